use crate::*;
impl<T: Float> Tensor<T> {
    pub fn matmul(&self, o: &Tensor<T>) -> Result<Tensor<T>> {
        if self.rank() == 2 && o.rank() == 2 {
            let (m, k, n) = (self.shape()[0], self.shape()[1], o.shape()[1]);
            let (a, b) = (self.to_vec(), o.to_vec());
            let mut c = vec![T::ZERO; m * n];
            for i in 0..m {
                for l in 0..k {
                    for j in 0..n {
                        c[i * n + j] = c[i * n + j] + a[i * k + l] * b[l * n + j];
                    }
                }
            }
            return Tensor::from_vec(c, [m, n]);
        }
        Err(Error::invalid("matmul", "rank", self.rank(), "temp"))
    }
}
impl<T: Num> Tensor<T> {
    pub fn embed(
        shape: impl IntoShape,
        grad: &Tensor<T>,
        view: impl FnOnce(&Tensor<T>) -> Result<Tensor<T>>,
    ) -> Result<Tensor<T>> {
        let mut z = Tensor::zeros(shape);
        let v = view(&z)?;
        let l = v.layout.clone();
        drop(v);
        z.write_window(|_| l, grad);
        Ok(z)
    }
}
impl<T: Element> std::fmt::Display for Tensor<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}
pub struct Rng(u64);
impl Rng {
    pub fn seed(s: u64) -> Rng {
        Rng(s)
    }
    pub fn uniform_f64(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e3779b97f4a7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d049bb133111eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}
impl<T: Element> Tensor<T> {
    pub fn flip(&self, axes: impl IntoAxes) -> Result<Tensor<T>> {
        let axes = self.axes("flip", &axes.into_axes())?;
        let mut l = self.layout.clone();
        for a in axes {
            if l.shape[a] > 0 {
                l = l.slice(a, l.shape[a] - 1, -1, l.shape[a]);
            }
        }
        Ok(self.with_layout(l))
    }
}
