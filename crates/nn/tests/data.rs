//! Sets, splits, the loader's order, resuming, synthetic sets.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use wengert_nn::data::{Subset, blobs, collate, from_fn, moons, random_split, spirals, xor};
use wengert_nn::{
    DataLoader, Dataset, Error, Module, Result, TensorDataset, load_state, save_state,
};
use wengert_tensor::{IsaKind, Rng, Tensor, with_isa, with_threads};

/// Rows 0 to n − 1: features [i, −i], labels i.
fn rows(n: i64) -> TensorDataset<(Tensor<f32>, Tensor<i64>)> {
    let x: Vec<f32> = (0..n).flat_map(|i| [i as f32, -i as f32]).collect();
    let x = Tensor::from_vec(x, [n as usize, 2]).unwrap();
    let y = Tensor::from_vec((0..n).collect(), [n as usize]).unwrap();
    TensorDataset::new((x, y)).unwrap()
}

/// The labels of each batch; features must go with them.
fn labels<'a>(
    batches: impl IntoIterator<Item = Result<(Tensor<f32>, Tensor<i64>)>> + 'a,
) -> Vec<Vec<i64>> {
    let check = |batch: Result<(Tensor<f32>, Tensor<i64>)>| {
        let (x, y) = batch.unwrap();
        let expected: Vec<f32> = y.iter().flat_map(|i| [i as f32, -i as f32]).collect();
        assert_eq!(x.shape(), &[y.len(), 2][..]);
        assert_eq!(x.to_vec(), expected);
        y.to_vec()
    };
    batches.into_iter().map(check).collect()
}

#[test]
fn batches_come_in_order_and_the_last_is_what_is_left() {
    let loader = DataLoader::new(rows(7), 3).unwrap();
    assert_eq!((loader.len(), loader.is_empty()), (3, false));
    assert_eq!(loader.iter().len(), 3);
    let expected = vec![vec![0, 1, 2], vec![3, 4, 5], vec![6]];
    assert_eq!(labels(&loader), expected);
    assert_eq!(labels(&loader), expected);
    let loader = loader.drop_last();
    assert_eq!(loader.len(), 2);
    assert_eq!(labels(&loader), expected[..2]);
    for (n, size, all, whole) in [(6, 3, 2, 2), (2, 3, 1, 0), (0, 3, 0, 0), (5, 1, 5, 5)] {
        let loader = DataLoader::new(rows(n), size).unwrap();
        assert_eq!((loader.len(), labels(&loader).len()), (all, all));
        let loader = loader.drop_last();
        assert_eq!((loader.len(), labels(&loader).len()), (whole, whole));
    }
    let huge = DataLoader::new(rows(3), usize::MAX).unwrap();
    assert_eq!(labels(&huge), [[0, 1, 2]]);
}

/// An error's text without the line, which is this file's.
fn told(e: &Error) -> String {
    let text = e.to_string();
    let text = text.split("\n  hint").next().unwrap_or("");
    let (told, at) = text.rsplit_once("\n  at ").expect("it says where");
    assert!(at.contains("tests/data.rs:"), "{text}");
    told.to_string()
}

#[test]
fn an_error_of_a_batch_names_a_line_of_the_users() {
    type Rows = Tensor<f32>;
    let ragged = || from_fn(3, |i| Ok((Tensor::<f32>::zeros([i + 1]), i as f32)));
    let loader = DataLoader::new(ragged(), 2).unwrap();
    let line_of = |e: &Error| {
        assert!(told(e).starts_with("stack: shapes differ"));
        e.site().at.map(|at| at.line())
    };
    let mut errors = Vec::new();
    let here = line!() + 1;
    for batch in &loader {
        errors.extend(batch.err());
    }
    // The last batch is of one row.
    assert_eq!(errors.iter().map(line_of).collect::<Vec<_>>(), [Some(here)]);
    let e = loader.iter().collect::<Result<Vec<_>>>().unwrap_err();
    assert_eq!(line_of(&e), Some(line!() - 1));
    // A training asks for batches through a trait object: the line is that of its run, or the loader's where there is none.
    let made = line!() + 1;
    let loader = DataLoader::new(ragged(), 2).unwrap();
    let net = wengert_nn::Linear::new(1, 1, &mut Rng::seed(0));
    let mut opt = wengert_nn::Sgd::new(net.parameters(), 0.1);
    let loss = |y: &wengert_autograd::Var, _: &Tensor<f32>| Ok(y.sum_all());
    let training = wengert_nn::fit(&net, &mut opt, loss, &loader).silent();
    let e = training.run().err();
    assert_eq!(e.as_ref().map(line_of), Some(Some(line!() - 1)));
    let evaluation = wengert_nn::evaluate(&net, loss, &loader);
    let e = evaluation.run().err();
    assert_eq!(e.as_ref().map(line_of), Some(Some(line!() - 1)));
    let erased: &dyn wengert_nn::Batches<Batch = (Rows, Rows)> = &loader;
    for mut batches in [erased.epoch(0), erased.pass()] {
        let e = batches.next().and_then(Result::err);
        assert_eq!(e.as_ref().map(line_of), Some(Some(made)));
    }

    let set = Arc::new(TensorDataset::new(vec![Rows::zeros([4, 2]), Rows::zeros([4, 1])]).unwrap());
    let part = Subset::new(set, vec![0, 1]).unwrap();
    told(&part.batch(&[2]).unwrap_err());
    let boxed: Box<dyn Dataset<Batch = Vec<Rows>>> = Box::new(part);
    told(&boxed.batch(&[2]).unwrap_err());
    told(
        &DataLoader::new(boxed, 2)
            .unwrap()
            .dataset()
            .batch(&[5])
            .unwrap_err(),
    );
    // A line within a closure of the user's is the user's.
    let failing = from_fn(1, |_| Rows::zeros([2]).reshape([3]));
    let within = line!() - 1;
    let e = DataLoader::new(failing, 1)
        .unwrap()
        .iter()
        .next()
        .unwrap()
        .unwrap_err();
    assert_eq!(e.site().at.map(|at| at.line()), Some(within));
}

#[test]
fn no_rows_a_batch_is_an_error() {
    let error = DataLoader::new(rows(3), 0).unwrap_err();
    assert_eq!(
        told(&error),
        "DataLoader::new: batch_size = 0\n  rule  batch_size >= 1"
    );
}

#[test]
fn rows_in_order_are_views_and_others_copies() {
    let set = rows(9);
    let (x, y) = set.batch(&[3, 4, 5]).unwrap();
    assert!(x.shares_memory_with(&set.tensors().0));
    assert!(y.shares_memory_with(&set.tensors().1));
    assert_eq!(y.to_vec(), [3, 4, 5]);
    for picks in [vec![5, 4], vec![1, 3], vec![2, 2], vec![8, 0, 8]] {
        let (x, y) = set.batch(&picks).unwrap();
        assert!(!x.shares_memory_with(&set.tensors().0));
        let expected: Vec<i64> = picks.iter().map(|i| *i as i64).collect();
        assert_eq!(labels([Ok((x, y))]), [expected]);
    }
    let (x, y) = set.batch(&[]).unwrap();
    assert_eq!(
        (x.shape().to_vec(), y.shape().to_vec()),
        (vec![0, 2], vec![0])
    );
    assert_eq!(
        told(&set.batch(&[1, 9]).unwrap_err()),
        "batch: index = 9 of 9 rows\n  rule  0 <= index < len"
    );
    assert!(set.batch(&[usize::MAX]).is_err());
}

#[test]
fn a_batch_can_be_written_to_without_a_change_to_the_set() {
    let set = rows(4);
    let (_, mut y) = set.batch(&[0, 1]).unwrap();
    y.fill(9);
    assert_eq!(set.tensors().1.to_vec(), [0, 1, 2, 3]);
}

#[test]
fn any_number_of_tensors_of_any_type_and_layout() {
    let one = TensorDataset::new(Tensor::new([[1u8], [2]])).unwrap();
    assert_eq!(one.batch(&[1]).unwrap().to_vec(), [2]);
    let many = (
        Tensor::<f64>::ones([2, 3]),
        Tensor::new([1i32, 2]),
        Tensor::new([true, false]),
        (Tensor::new([1i64, 2]), Tensor::<f32>::ones([2, 1, 1])),
    );
    let many = TensorDataset::new(many).unwrap();
    let (_, b, c, (d, _)) = many.batch(&[1, 0]).unwrap();
    assert_eq!((b.to_vec(), c.to_vec()), (vec![2, 1], vec![false, true]));
    assert_eq!(d.to_vec(), [2, 1]);
    let list = TensorDataset::new(vec![Tensor::new([1i64, 2]), Tensor::new([3, 4])]).unwrap();
    assert_eq!(list.batch(&[1]).unwrap()[1].to_vec(), [4]);
    // A transposed tensor's rows are its columns; it is laid out anew once, not for every batch.
    let t = Tensor::new([[1i64, 2, 3], [4, 5, 6]]).t().unwrap();
    let set = TensorDataset::new(t).unwrap();
    assert!(set.tensors().is_contiguous());
    assert_eq!(set.batch(&[2, 0]).unwrap().to_vec(), [3, 6, 1, 4]);
}

#[test]
fn tensors_of_unequal_rows_are_refused() {
    let error = TensorDataset::new((Tensor::<f32>::ones([3, 2]), Tensor::new([0i64, 1])));
    let text = error.unwrap_err().to_string();
    assert!(
        text.starts_with(
            "TensorDataset::new: the tensors have different numbers of rows\n  \
             first   f32 [3, 2]    axis 0 = 3\n  second  i64 [2]    axis 0 = 2\n  \
             rule    every tensor has the same size on axis 0\n  at      "
        ),
        "{text}"
    );
    assert!(text.contains("tests/data.rs"), "{text}");
    let scalar = TensorDataset::new((Tensor::<f32>::ones([3]), Tensor::scalar(1i64)));
    let text = scalar.unwrap_err().to_string();
    assert!(
        text.contains("rank() >= 1") && text.contains("second  i64 []"),
        "{text}"
    );
    assert!(TensorDataset::new(Vec::<Tensor<f32>>::new()).is_err());
}

#[test]
fn a_shuffled_epoch_holds_every_row_once_in_an_order_of_its_own() {
    let loader = DataLoader::new(rows(100), 7).unwrap().shuffle(3);
    let mut orders = BTreeSet::new();
    for epoch in 0..5 {
        assert_eq!(loader.epoch(), epoch);
        let order = labels(&loader).concat();
        let mut sorted = order.clone();
        sorted.sort();
        assert_eq!(sorted, (0..100).collect::<Vec<i64>>());
        orders.insert(order);
    }
    assert_eq!(orders.len(), 5);
    assert!(!orders.contains(&(0..100).collect::<Vec<i64>>()));
}

#[test]
fn the_order_is_of_seed_and_epoch_alone() {
    let make = |seed| DataLoader::new(rows(50), 8).unwrap().shuffle(seed);
    let (a, b, other) = (make(1), make(1), make(2));
    let first: Vec<_> = (0..3).map(|_| labels(&a)).collect();
    // Another loader of the seed that starts late, or goes back, or breaks epochs off.
    b.set_epoch(2);
    assert_eq!(labels(&b), first[2]);
    b.set_epoch(0);
    b.iter().take(2).for_each(|batch| drop(batch.unwrap()));
    assert_eq!(labels(&b), first[1]);
    assert_ne!(labels(&other), first[0]);
    // The same rows in batches of another size.
    let large = DataLoader::new(rows(50), 25).unwrap().shuffle(1);
    assert_eq!(labels(&large).concat(), first[0].concat());
}

#[test]
fn every_pass_is_an_epoch() {
    let loader = DataLoader::new(rows(4), 2).unwrap().shuffle(0);
    let mut overtaken = loader.iter();
    assert_eq!(loader.epoch(), 0);
    let mut second = loader.iter();
    assert_eq!(loader.epoch(), 1);
    // One that was overtaken yields its own epoch and moves nothing.
    let state = loader.state_dict();
    for _ in 0..2 {
        assert!(overtaken.next().is_some());
        assert_eq!(loader.state_dict(), state);
    }
    second.next();
    assert_eq!(loader.epoch(), 1);
    second.next();
    assert_eq!(loader.epoch(), 2);
    assert!(second.next().is_none());
    assert_eq!(loader.epoch(), 2);
    let empty = DataLoader::new(rows(0), 2).unwrap();
    assert_eq!((labels(&empty).len(), empty.epoch()), (0, 1));
}

#[test]
fn training_resumes_with_the_batch_that_was_due() {
    let make = || DataLoader::new(rows(10), 3).unwrap().shuffle(5);
    let whole = make();
    let all: Vec<Vec<i64>> = (0..3).flat_map(|_| labels(&whole)).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("loader.safetensors");
    for cut in 0..all.len() {
        let first = make();
        let mut seen = Vec::new();
        'training: loop {
            for batch in &first {
                if seen.len() == cut {
                    break 'training;
                }
                seen.extend(labels([batch]));
                // As a program would that may be stopped at any step.
                save_state(&first.state_dict(), &path).unwrap();
            }
        }
        let resumed = make();
        if cut > 0 {
            resumed
                .load_state_dict(&load_state(&path).unwrap())
                .unwrap();
        }
        while seen.len() < all.len() {
            seen.extend(labels(&resumed));
        }
        assert_eq!(seen, all, "cut after {cut} batches");
    }
}

#[test]
fn a_state_of_other_batches_is_refused() {
    let loader = DataLoader::new(rows(10), 3).unwrap().shuffle(5);
    loader.iter().next();
    let state = loader.state_dict();
    let wrong = |other: DataLoader<TensorDataset<_>>| {
        let text = other.load_state_dict(&state).unwrap_err().to_string();
        assert_eq!(other.epoch(), 0);
        assert_eq!(labels(&other).len(), other.len());
        text
    };
    let seed = wrong(DataLoader::new(rows(10), 3).unwrap().shuffle(6));
    assert!(seed.contains("seed 5 in the state, 6 here"), "{seed}");
    let size = wrong(DataLoader::new(rows(10), 5).unwrap().shuffle(5));
    assert!(size.contains("batch_size 3 in the state, 5 here"), "{size}");
    let fewer = wrong(DataLoader::new(rows(9), 3).unwrap().shuffle(5));
    assert!(fewer.contains("batches 4 in the state, 3 here"), "{fewer}");
    let more = wrong(DataLoader::new(rows(11), 3).unwrap().shuffle(5));
    assert!(more.contains("rows 10 in the state, 11 here"), "{more}");
    let sorted = wrong(DataLoader::new(rows(10), 3).unwrap());
    assert!(sorted.contains("unexpected  seed"), "{sorted}");
    for batch in [-1i64, 4, i64::MAX] {
        let mut state = state.clone();
        state.insert("batch".into(), Tensor::scalar(batch).into());
        let text = loader.load_state_dict(&state).unwrap_err().to_string();
        assert!(text.contains(&format!("batch {batch} of 4")), "{text}");
    }
}

#[test]
fn sets_of_any_kind_work_with_the_loader() {
    /// Sentences of unequal lengths, as a batch of text.
    struct Words(Vec<&'static str>);
    impl Dataset for Words {
        type Batch = String;
        fn len(&self) -> usize {
            self.0.len()
        }
        fn batch(&self, indices: &[usize]) -> Result<String> {
            Ok(indices.iter().map(|i| self.0[*i]).collect())
        }
    }
    let words = Arc::new(Words(vec!["a", "bc", "", "d"]));
    let batches = |set: &dyn Dataset<Batch = String>| -> Vec<String> {
        let loader = DataLoader::new(set, 3).unwrap();
        loader.iter().map(Result::unwrap).collect()
    };
    assert_eq!(batches(&words), ["abc", "d"]);
    let some = Subset::new(words, vec![3, 3, 0]).unwrap();
    assert_eq!(batches(&some), ["dda"]);

    let asked = RefCell::new(Vec::new());
    let lazy = from_fn(4, |i| {
        asked.borrow_mut().push(i);
        match i {
            3 => Err(Error::data("row 3 is gone")),
            i => Ok((Tensor::new([i as f64]), i as i64, i > 0)),
        }
    });
    let loader = DataLoader::new(lazy, 2).unwrap();
    let mut batches = loader.iter();
    let (x, y, z) = batches.next().unwrap().unwrap();
    assert_eq!(
        (x.shape().to_vec(), x.to_vec()),
        (vec![2, 1], vec![0.0, 1.0])
    );
    assert_eq!((y.to_vec(), z.to_vec()), (vec![0, 1], vec![false, true]));
    assert_eq!(*asked.borrow(), [0, 1]);
    let error = batches.next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "row 3 is gone");
    assert!(batches.next().is_none());
    assert!(loader.dataset().batch(&[4]).is_err());

    assert!(collate([Tensor::new([1i64]), Tensor::new([1, 2])]).is_err());
    assert!(collate(Vec::<Tensor<f32>>::new()).is_err());
    assert_eq!(collate(Vec::<f32>::new()).unwrap().shape(), &[0][..]);
}

#[test]
fn splits_hold_every_row_once() {
    let parts = |sizes| {
        let [a, b, c] = random_split(rows(20), sizes, &mut Rng::seed(4)).unwrap();
        [a, b, c].map(|part| {
            let loader = DataLoader::new(part, 4).unwrap();
            labels(&loader).concat()
        })
    };
    let [a, b, c] = parts([12, 0, 8]);
    assert_eq!((a.len(), b.len(), c.len()), (12, 0, 8));
    assert_eq!(parts([12, 0, 8]), [a.clone(), b, c.clone()]);
    let mut all = [a, c].concat();
    assert_ne!(all, (0..20).collect::<Vec<i64>>());
    all.sort();
    assert_eq!(all, (0..20).collect::<Vec<i64>>());

    // Rounded down; what is left goes to the first parts.
    let split = |n, fractions: [f64; 3]| {
        let parts = random_split(rows(n), fractions, &mut Rng::seed(0)).unwrap();
        parts.map(|p| p.len())
    };
    assert_eq!(split(10, [0.5, 0.25, 0.25]), [6, 2, 2]);
    assert_eq!(split(11, [0.5, 0.25, 0.25]), [6, 3, 2]);
    assert_eq!(split(0, [0.5, 0.25, 0.25]), [0, 0, 0]);

    let mut rng = Rng::seed(0);
    let error = random_split(rows(20), [12, 9], &mut rng).unwrap_err();
    assert_eq!(
        told(&error),
        "random_split: sizes = [12, 9] of 20 rows\n  rule  the sizes add up to the number of rows"
    );
    for wrong in [[0.5, 0.6], [1.5, -0.5], [f64::NAN, 0.5], [0.1, 0.1]] {
        assert!(
            random_split(rows(20), wrong, &mut rng).is_err(),
            "{wrong:?}"
        );
    }
    assert!(random_split(rows(20), [usize::MAX, 21], &mut rng).is_err());
    assert!(Subset::new(Arc::new(rows(3)), vec![0, 3]).is_err());

    let (a, b) = rows(5).split_at(2).unwrap();
    assert_eq!((a.len(), b.tensors().1.to_vec()), (2, vec![2, 3, 4]));
    assert_eq!(rows(5).narrow(1, 2).unwrap().tensors().1.to_vec(), [1, 2]);
    assert!(rows(5).narrow(4, 2).is_err());
    assert!(rows(5).narrow(usize::MAX, 1).is_err());
    assert!(rows(5).split_at(6).is_err());
}

/// The points of a class, without noise, by an angle or radius of their own.
fn of_class(x: &Tensor<f64>, y: &Tensor<i64>, class: i64) -> Vec<[f64; 2]> {
    let points = x.to_vec();
    let mine = y.to_vec().into_iter().zip(points.chunks(2));
    let mine = mine.filter(|(c, _)| *c == class);
    mine.map(|(_, p)| [p[0], p[1]]).collect()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-12
}

#[test]
fn moons_are_those_of_the_formula() {
    let (x, y) = moons::<f64>(7, 0.0, &mut Rng::seed(0)).unwrap();
    let (mut upper, mut lower) = (of_class(&x, &y, 0), of_class(&x, &y, 1));
    assert_eq!((upper.len(), lower.len()), (3, 4));
    upper.sort_by(|a, b| b[0].total_cmp(&a[0]));
    lower.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let pi = std::f64::consts::PI;
    for (i, p) in upper.iter().enumerate() {
        let t = pi * i as f64 / 2.0;
        assert!(close(p[0], t.cos()) && close(p[1], t.sin()), "{p:?}");
    }
    for (i, p) in lower.iter().enumerate() {
        let t = pi * i as f64 / 3.0;
        assert!(
            close(p[0], 1.0 - t.cos()) && close(p[1], 0.5 - t.sin()),
            "{p:?}"
        );
    }
    let sizes = [0, 1, 2].map(|n| moons::<f32>(n, 0.1, &mut Rng::seed(0)).unwrap().0.len());
    assert_eq!(sizes, [0, 2, 4]);
}

#[test]
fn noise_has_the_spread_asked_for() {
    // The same generator shuffles alike and then adds the noise.
    let (n, noise) = (4000, 0.3);
    let (clean, _) = moons::<f64>(n, 0.0, &mut Rng::seed(1)).unwrap();
    let (noisy, _) = moons::<f64>(n, noise, &mut Rng::seed(1)).unwrap();
    let off = (&noisy - &clean).to_vec();
    let variance = off.iter().map(|v| v * v).sum::<f64>() / off.len() as f64;
    // The variance of that estimate is 2σ⁴/m: five of its deviations.
    let slack = 5.0 * (2.0 / off.len() as f64).sqrt();
    assert!(
        (variance / (noise * noise) - 1.0).abs() < slack,
        "{variance}"
    );
}

#[test]
fn spirals_wind_from_the_middle_out() {
    let (x, y) = spirals::<f64>(11, 3, 0.0, &mut Rng::seed(0)).unwrap();
    for (class, size) in [(0, 4), (1, 4), (2, 3)] {
        let mut arm = of_class(&x, &y, class);
        assert_eq!(arm.len(), size);
        arm.sort_by(|a, b| a[0].hypot(a[1]).total_cmp(&b[0].hypot(b[1])));
        for (i, p) in arm.iter().enumerate() {
            let r = i as f64 / (size - 1) as f64;
            let t = 4.0 * r + std::f64::consts::TAU * class as f64 / 3.0;
            assert!(
                close(p[0], r * t.sin()) && close(p[1], r * t.cos()),
                "{p:?}"
            );
        }
    }
}

#[test]
fn blobs_lie_around_their_centers() {
    let centers = Tensor::new([[0.0f64, 10.0], [-5.0, 2.0], [100.0, 0.0]]);
    let (x, y) = blobs::<f64>(8, &centers, 0.0, &mut Rng::seed(0)).unwrap();
    for (class, size) in [(0, 3), (1, 3), (2, 2)] {
        let points = of_class(&x, &y, class);
        let center = centers.select(0, class as isize).unwrap().to_vec();
        assert_eq!(points.len(), size);
        assert!(points.iter().all(|p| p[..] == center[..]), "{points:?}");
    }
    let (x, _) = blobs::<f32>(50, 4, 0.0, &mut Rng::seed(2)).unwrap();
    assert!(x.iter().all(|v| (-10.0..10.0).contains(&v)));
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    type Set = (Vec<f64>, Vec<i64>);
    fn set((x, y): (Tensor<f64>, Tensor<i64>)) -> Set {
        (x.to_vec(), y.to_vec())
    }
    let makers: [fn(&mut Rng) -> Set; 3] = [
        |rng| set(moons(60, 0.2, rng).unwrap()),
        |rng| set(spirals(60, 3, 0.2, rng).unwrap()),
        |rng| set(blobs(60, 3, 1.0, rng).unwrap()),
    ];
    for make in makers {
        let first = make(&mut Rng::seed(9));
        assert_eq!(first, make(&mut Rng::seed(9)));
        assert_ne!(first, make(&mut Rng::seed(10)));
        // Every instruction set and number of threads.
        for isa in IsaKind::available() {
            let again = with_threads(2, || with_isa(isa, || make(&mut Rng::seed(9))));
            assert_eq!(first, again, "{isa:?}");
        }
        // In random order: the classes are not sorted.
        assert!(!first.1.is_sorted());
    }
    // f32 is f64 rounded.
    let (x, _) = moons::<f64>(60, 0.2, &mut Rng::seed(9)).unwrap();
    let (single, _) = moons::<f32>(60, 0.2, &mut Rng::seed(9)).unwrap();
    assert_eq!(x.cast::<f32>().to_vec(), single.to_vec());
    assert_eq!(
        xor::<f32>().0.to_vec(),
        xor::<f64>().0.cast::<f32>().to_vec()
    );
}

#[test]
fn synthetic_sets_refuse_what_has_no_meaning() {
    let rng = &mut Rng::seed(0);
    for noise in [-0.1, f64::NAN, f64::INFINITY] {
        let error = told(&moons::<f32>(5, noise, rng).unwrap_err());
        let rule = "\n  rule  finite and at least 0";
        assert_eq!(error, format!("moons: noise = {noise}{rule}"));
        assert!(spirals::<f32>(5, 2, noise, rng).is_err());
        assert!(blobs::<f32>(5, 2, noise, rng).is_err());
    }
    assert!(spirals::<f32>(5, 0, 0.1, rng).is_err());
    assert!(blobs::<f32>(5, 0, 0.1, rng).is_err());
    assert!(blobs::<f32>(5, Tensor::new([1.0f32, 2.0]), 0.1, rng).is_err());
}
