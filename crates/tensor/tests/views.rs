//! Random chains of views agree with the same indexing on a list of values, and writing to one tensor
//! never changes another.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use wengert_tensor::{Result, Slice, Tensor};

/// A tensor as a list: its shape and its values in row-major order.
#[derive(Clone, Debug, PartialEq)]
struct Model {
    shape: Vec<usize>,
    values: Vec<i64>,
}

impl Model {
    /// The tensor of this shape whose element at `index` is this one's at `from(index)`.
    fn picked(&self, shape: Vec<usize>, from: impl Fn(&[usize]) -> Vec<usize>) -> Model {
        let count: usize = shape.iter().product();
        let values = (0..count)
            .map(|flat| {
                let mut rest = flat;
                let mut index = vec![0; shape.len()];
                for (i, d) in index.iter_mut().zip(&shape).rev() {
                    *i = rest % d;
                    rest /= d;
                }
                let source = from(&index);
                assert_eq!(source.len(), self.shape.len());
                let flat = source.iter().zip(&self.shape).fold(0, |at, (i, d)| {
                    assert!(i < d, "the model indexes outside itself");
                    at * d + i
                });
                self.values[flat]
            })
            .collect();
        Model { shape, values }
    }

    fn of(t: &Tensor<i64>) -> Model {
        Model {
            shape: t.shape().to_vec(),
            values: t.to_vec(),
        }
    }
}

/// A view op, its arguments still to be fitted to a shape.
#[derive(Clone, Debug)]
struct Op {
    kind: usize,
    a: usize,
    b: usize,
    c: usize,
    step: isize,
    from_end: bool,
}

const KINDS: usize = 13;

fn op() -> impl Strategy<Value = Op> {
    let step = prop_oneof![Just(-3isize), Just(-2), Just(-1), Just(1), Just(2), Just(3)];
    (
        0..KINDS,
        0..64usize,
        0..64usize,
        0..64usize,
        step,
        any::<bool>(),
    )
        .prop_map(|(kind, a, b, c, step, from_end)| Op {
            kind,
            a,
            b,
            c,
            step,
            from_end,
        })
}

impl Op {
    /// An axis, sometimes counted from the end.
    fn axis(&self, axis: usize, rank: usize) -> isize {
        axis as isize - if self.from_end { rank as isize } else { 0 }
    }

    /// The op on both; `None` where it has no meaning for this shape.
    fn apply(&self, t: &Tensor<i64>, m: &Model) -> Option<(Result<Tensor<i64>>, Model)> {
        let (rank, shape) = (m.shape.len(), m.shape.clone());
        if self.kind == 0 {
            // A new axis.
            let a = self.a % (rank + 1);
            let mut to = shape;
            to.insert(a, 1);
            let model = m.picked(to, |i| {
                let mut i = i.to_vec();
                i.remove(a);
                i
            });
            return Some((t.unsqueeze(self.axis(a, rank + 1)), model));
        }
        if self.kind == 1 {
            // Axes in front, and those of size 1 repeated.
            let (lead, times) = (self.a % 3, self.b % 4);
            if rank + lead > 6 {
                return None;
            }
            let mut to = vec![times; lead];
            to.extend(shape.iter().map(|&d| if d == 1 { times } else { d }));
            let model = m.picked(to.clone(), |i| {
                let tail = i[lead..].iter().zip(&shape);
                tail.map(|(&i, &d)| if d == 1 { 0 } else { i }).collect()
            });
            return Some((t.expand(to), model));
        }
        if rank == 0 {
            return None;
        }
        let (a, b) = (self.a % rank, self.b % rank);
        let (axis, n) = (self.axis(a, rank), shape[a]);
        let with = |size: usize| {
            let mut to = shape.clone();
            to[a] = size;
            to
        };
        let moved = |f: Box<dyn Fn(usize) -> usize>| {
            move |i: &[usize]| {
                let mut i = i.to_vec();
                i[a] = f(i[a]);
                i
            }
        };
        Some(match self.kind {
            2 => {
                let mut to = shape.clone();
                to.swap(a, b);
                let model = m.picked(to, |i| {
                    let mut i = i.to_vec();
                    i.swap(a, b);
                    i
                });
                (t.transpose(axis, self.axis(b, rank)), model)
            }
            3 => {
                // A rotation of the axes.
                let order: Vec<usize> = (0..rank).map(|i| (i + self.c) % rank).collect();
                let to = order.iter().map(|&o| shape[o]).collect();
                let model = m.picked(to, |i| {
                    let mut from = vec![0; rank];
                    order.iter().zip(i).for_each(|(&o, &i)| from[o] = i);
                    from
                });
                let axes: Vec<isize> = order.iter().map(|&o| self.axis(o, rank)).collect();
                (t.permute(axes), model)
            }
            4 => {
                let start = self.b % (n + 1);
                let len = self.c % (n - start + 1);
                let model = m.picked(with(len), moved(Box::new(move |i| start + i)));
                let given = start as isize
                    - if self.from_end && start < n {
                        n as isize
                    } else {
                        0
                    };
                (t.narrow(axis, given, len), model)
            }
            5 => {
                if n == 0 {
                    return None;
                }
                let at = self.c % n;
                let mut to = shape.clone();
                to.remove(a);
                let model = m.picked(to, |i| {
                    let mut i = i.to_vec();
                    i.insert(a, at);
                    i
                });
                (t.select(axis, self.axis(at, n)), model)
            }
            6 => {
                // Python's range, walked one by one.
                let bound = |v: usize| v as isize % (2 * n as isize + 3) - n as isize - 1;
                let (start, end) = (bound(self.b), bound(self.c));
                let place = |v: isize| if v < 0 { v + n as isize } else { v };
                let (low, high) = if self.step > 0 {
                    (0, n as isize)
                } else {
                    (-1, n as isize - 1)
                };
                let (mut at, end_at) = (place(start).clamp(low, high), place(end).clamp(low, high));
                let mut picks = Vec::new();
                while (self.step > 0 && at < end_at) || (self.step < 0 && at > end_at) {
                    picks.push(at as usize);
                    at += self.step;
                }
                let model = m.picked(with(picks.len()), moved(Box::new(move |i| picks[i])));
                (
                    t.slice(axis, Slice::new(Some(start), Some(end), self.step)),
                    model,
                )
            }
            7 => {
                let model = m.picked(with(n), moved(Box::new(move |i| n - 1 - i)));
                (t.flip(axis), model)
            }
            8 => {
                if a == b {
                    return None;
                }
                let offset = self.c as isize % 7 - 3;
                let (down, right) = ((-offset).max(0) as usize, offset.max(0) as usize);
                let len = n.saturating_sub(down).min(shape[b].saturating_sub(right));
                let rest: Vec<usize> = (0..rank).filter(|i| *i != a && *i != b).collect();
                let mut to: Vec<usize> = rest.iter().map(|&i| shape[i]).collect();
                to.push(len);
                let model = m.picked(to, |i| {
                    let mut from = vec![0; rank];
                    rest.iter().zip(i).for_each(|(&r, &i)| from[r] = i);
                    let k = i[i.len() - 1];
                    (from[a], from[b]) = (k + down, k + right);
                    from
                });
                (t.diagonal(offset, axis, self.axis(b, rank)), model)
            }
            9 => {
                if rank > 5 {
                    return None;
                }
                let (size, step) = (self.b % (n + 1), self.c % 3 + 1);
                let mut to = with((n - size) / step + 1);
                to.push(size);
                let model = m.picked(to, |i| {
                    let mut from = i[..rank].to_vec();
                    from[a] = i[a] * step + i[rank];
                    from
                });
                (t.unfold(axis, size, step), model)
            }
            10 => {
                let (a, b) = (a.min(b), a.max(b));
                let mut to = shape[..a].to_vec();
                to.push(shape[a..=b].iter().product());
                to.extend(&shape[b + 1..]);
                let model = Model {
                    shape: to,
                    values: m.values.clone(),
                };
                (t.flatten(self.axis(a, rank), self.axis(b, rank)), model)
            }
            11 => {
                // An axis cut in two.
                let parts = [2, 3, 1][self.c % 3];
                if n % parts != 0 || rank > 5 {
                    return None;
                }
                let mut to = with(n / parts);
                to.insert(a + 1, parts);
                let model = Model {
                    shape: to.clone(),
                    values: m.values.clone(),
                };
                (t.reshape(to), model)
            }
            _ => {
                let mut to = shape.clone();
                let d = to.remove(a);
                to.insert(b, d);
                let model = m.picked(to, |i| {
                    let mut i = i.to_vec();
                    let k = i.remove(b);
                    i.insert(a, k);
                    i
                });
                (t.movedim(axis, self.axis(b, rank)), model)
            }
        })
    }
}

fn start(shape: &[usize]) -> Tensor<i64> {
    let n: usize = shape.iter().product();
    Tensor::from_vec((0..n as i64).collect(), shape).unwrap()
}

/// More is slow to check and shows nothing new.
const LARGEST: usize = 3000;

/// Sizes of a first tensor, seldom 0: a chain that begins empty stays so.
fn first_shape(rank: std::ops::Range<usize>) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![19 => 1..6usize, 1 => Just(0usize)], rank)
}

/// The chain of views that the ops make, each with its model and the kind of its op.
fn chain(shape: &[usize], ops: &[Op]) -> Vec<(Tensor<i64>, Model, usize)> {
    let t = start(shape);
    let m = Model::of(&t);
    let mut out = vec![(t, m, KINDS)];
    for op in ops {
        let (t, m, _) = &out[out.len() - 1];
        let Some((result, model)) = op.apply(t, m) else {
            continue;
        };
        let view = result.unwrap_or_else(|e| panic!("{op:?} of {:?}: {e}", m.shape));
        if model.values.len() <= LARGEST {
            out.push((view, model, op.kind));
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn chains_of_views_index_as_lists_do(
        shape in first_shape(0..5),
        ops in prop::collection::vec(op(), 0..9),
    ) {
        for (k, (view, model, _)) in chain(&shape, &ops).iter().enumerate() {
            prop_assert_eq!(&Model::of(view), model, "after {} views", k);
            prop_assert_eq!(view.len(), model.values.len());
            prop_assert_eq!(view.iter().collect::<Vec<_>>(), model.values.clone());
            let contiguous = view.contiguous();
            prop_assert_eq!(contiguous.as_slice(), Some(&model.values[..]));
            if let Some(slice) = view.as_slice() {
                prop_assert_eq!(slice, &model.values[..]);
            }
            // Kernels read the view as it lies.
            let doubled: Vec<i64> = model.values.iter().map(|v| 2 * v).collect();
            prop_assert_eq!((view + view).to_vec(), doubled.clone());
            prop_assert_eq!((2 * view).to_vec(), doubled);
            prop_assert_eq!(view.sum_all().item().unwrap(), model.values.iter().sum::<i64>());
        }
    }

    #[test]
    fn writing_to_one_changes_no_other(
        shape in first_shape(0..4),
        ops in prop::collection::vec(op(), 1..7),
        which in 0..64usize,
        how in 0..6usize,
    ) {
        let mut all = chain(&shape, &ops);
        let k = which % all.len();
        let mut wanted = all[k].1.clone();
        {
            let t = &mut all[k].0;
            match how {
                0 => t.fill(-7),
                1 => t.as_mut_slice().iter_mut().for_each(|v| *v = -7),
                2 => *t += 5,
                3 => { let one = Tensor::scalar(5); *t += &one; }
                4 => t.copy_from(&Tensor::scalar(-7)).unwrap(),
                _ => *t = std::mem::replace(t, Tensor::zeros(0)) * -1,
            }
        }
        for v in &mut wanted.values {
            *v = match how { 0 | 1 | 4 => -7, 2 | 3 => *v + 5, _ => -*v };
        }
        all[k].1 = wanted;
        for (i, (t, model, _)) in all.iter().enumerate() {
            prop_assert_eq!(&Model::of(t), model, "tensor {} after a write to {}", i, k);
        }
    }
}

/// What the chains above are made of: every kind of view, on tensors with something in them.
#[test]
fn chains_have_every_kind_of_view() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = (first_shape(0..5), prop::collection::vec(op(), 0..9));
    let (mut seen, mut longest) = ([0; KINDS + 1], 0);
    for _ in 0..400 {
        let (shape, ops) = strategy.new_tree(&mut runner).unwrap().current();
        let chain = chain(&shape, &ops);
        longest = longest.max(chain.len());
        for (_, model, kind) in chain {
            seen[kind] += usize::from(model.values.len() > 1);
        }
    }
    assert!(longest >= 8, "no chain is longer than {longest}");
    for (kind, times) in seen.into_iter().enumerate() {
        assert!(times >= 10, "view {kind} was made {times} times only");
    }
}

#[test]
fn a_reshape_copies_only_where_it_must() {
    let t = start(&[4, 6]);
    assert!(t.reshape([2, 2, 6]).unwrap().shares_memory_with(&t));
    let columns = t.t().unwrap();
    assert!(columns.reshape([2, 3, 4]).unwrap().shares_memory_with(&t));
    assert!(!columns.reshape([24]).unwrap().shares_memory_with(&t));
    let backwards = t.flip(1).unwrap();
    assert!(backwards.reshape([4, 2, 3]).unwrap().shares_memory_with(&t));
    let wide = t.narrow(1, 0, 1).unwrap().expand([4, 5]).unwrap();
    assert!(wide.reshape([2, 2, 5]).unwrap().shares_memory_with(&t));
}

#[test]
fn windows_of_nothing_fit_behind_the_last_element() {
    // The stride of the second window, which begins where the axis ends, would be 2^63.
    let long = Tensor::<f32>::zeros([isize::MAX as usize, 0]);
    let view = long.slice(0, Slice::all().step(1 << 62)).unwrap();
    assert_eq!(view.shape(), &[2, 0][..]);
    let windows = view.unfold(0, 0, 2).unwrap();
    assert_eq!(windows.shape(), &[2, 0, 0][..]);
    assert!(windows.contiguous().to_vec().is_empty());
    assert_eq!(
        Tensor::new([1i64, 2]).unfold(0, 0, 1).unwrap().shape(),
        &[3, 0][..]
    );
}
