use crate::*;
impl<T: Float> Tensor<T> {
    pub fn sum_all(&self) -> Tensor<T> {
        Tensor::scalar(self.to_vec().into_iter().fold(T::ZERO, |a, b| a + b))
    }
    pub fn sum_keepdim(&self, axes: impl IntoAxes) -> Result<Tensor<T>> {
        let axes = self.axes("sum", &axes.into_axes())?;
        let shape: Shape = (0..self.rank())
            .map(|a| {
                if axes.contains(&a) {
                    1
                } else {
                    self.shape()[a]
                }
            })
            .collect();
        let mut out = vec![T::ZERO; shape.iter().product()];
        let v = self.to_vec();
        let st = shape.contiguous_strides();
        let mut idx = vec![0; self.rank()];
        for x in v {
            let mut o = 0;
            for a in 0..self.rank() {
                if shape[a] != 1 {
                    o += idx[a] * st[a] as usize;
                }
            }
            out[o] = out[o] + x;
            for a in (0..self.rank()).rev() {
                idx[a] += 1;
                if idx[a] < self.shape()[a] {
                    break;
                }
                idx[a] = 0;
            }
        }
        Tensor::from_vec(out, shape)
    }
    pub fn sum(&self, axes: impl IntoAxes) -> Result<Tensor<T>> {
        let a = axes.into_axes();
        let n = self.axes("sum", &a)?;
        let k = self.sum_keepdim(&a)?;
        let s: Shape = (0..self.rank())
            .filter(|x| !n.contains(x))
            .map(|x| self.shape()[x])
            .collect();
        k.reshape(s)
    }
    pub fn sum_to(&self, shape: impl IntoShape) -> Result<Tensor<T>> {
        let shape = shape.into_shape();
        let lead = self.rank() - shape.len();
        let axes: Vec<isize> = (0..self.rank())
            .filter(|a| *a < lead || (shape[*a - lead] == 1 && self.shape()[*a] != 1))
            .map(|a| a as isize)
            .collect();
        self.sum_keepdim(axes)?.reshape(shape)
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
impl<T: Float> Tensor<T> {
    pub fn log_softmax(&self, axis: isize) -> Result<Tensor<T>> {
        let a = self.axis("log_softmax", axis)?;
        let n = self.shape()[a];
        let t = self.transpose(a as isize, -1)?;
        let v = t.to_vec();
        let mut out = vec![];
        for row in v.chunks(n.max(1)) {
            let m = row.iter().copied().fold(T::NEG_INFINITY, |a, b| {
                if b > a || b.partial_cmp(&b).is_none() {
                    b
                } else {
                    a
                }
            });
            let s: f64 = row.iter().map(|x| (x.to_f64() - m.to_f64()).exp()).sum();
            for x in row {
                out.push(T::from_f64(x.to_f64() - m.to_f64() - s.ln()));
            }
        }
        let sh = t.shape().clone();
        Tensor::from_vec(out, sh)?.transpose(a as isize, -1)
    }
    pub fn softmax(&self, axis: isize) -> Result<Tensor<T>> {
        Ok(self.log_softmax(axis)?.exp())
    }
    pub fn softmax_grad(&self, dy: &Tensor<T>, axis: isize) -> Result<Tensor<T>> {
        let p = self * dy;
        let s = p.sum_keepdim(axis)?;
        Ok(self * (dy - &s))
    }
    pub fn log_softmax_grad(&self, dy: &Tensor<T>, axis: isize) -> Result<Tensor<T>> {
        let s = dy.sum_keepdim(axis)?;
        Ok(dy - self.exp() * &s)
    }
}
