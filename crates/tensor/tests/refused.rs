//! Memory that the system refuses: calls that return `Result` give `Err`, others panic and unwind, and
//! nothing aborts. The test runs itself again as a child whose address space the shell limits.
#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout)] // the child tells its parent that it ran

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

use wengert_tensor::*;

/// Set in the child.
const CHILD: &str = "WENGERT_REFUSED_CHILD";
/// KiB of address space: the program, its threads' stacks and some tensors fit, [`LARGE`] does not.
const LIMIT: usize = 1 << 20;
/// Elements of an `f32` tensor of 8 GiB.
const LARGE: usize = 2 << 30;
/// Bytes of a tensor that fits twice, but not three times.
const HALF: usize = 400 << 20;

#[test]
fn refused_memory_is_an_error_or_unwinds() {
    if std::env::var_os(CHILD).is_some() {
        return; // the child runs the test below
    }
    let me = std::env::current_exe().unwrap();
    let script = format!(
        "ulimit -v {LIMIT} && exec \"$0\" --exact under_the_limit --nocapture --test-threads 1"
    );
    let out = Command::new("sh")
        .args(["-c", &script])
        .arg(&me)
        .env(CHILD, "1")
        // Each thread of a large machine would take its share of the address space.
        .envs([("RAYON_NUM_THREADS", "2"), ("MALLOC_ARENA_MAX", "1")])
        // A panic per refused call: their backtraces are no part of this.
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    let (stdout, stderr) = (
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr),
    );
    assert!(out.status.success(), "{}\n{stdout}\n{stderr}", out.status);
    assert!(
        stdout.contains("every refusal was survived"),
        "the child did not run:\n{stdout}\n{stderr}"
    );
}

fn refused<X>(name: &str, r: Result<X>) {
    let Err(e) = r else {
        panic!("{name} was not refused");
    };
    match e.kind() {
        ErrorKind::OutOfMemory { bytes } => {
            assert!(*bytes >= 1 << 20, "{name}: {bytes} bytes");
            assert!(e.to_string().contains("out of memory: "), "{name}: {e}");
        }
        _ => panic!("{name}: {e}"),
    }
}

fn unwinds<X>(name: &str, f: impl FnOnce() -> X) {
    let Err(caught) = catch_unwind(AssertUnwindSafe(f)) else {
        panic!("{name} was not refused")
    };
    let text = caught.downcast::<String>().expect("a panic with a message");
    assert!(text.contains("out of memory: "), "{name}: {text}");
}

#[test]
fn under_the_limit() {
    if std::env::var_os(CHILD).is_none() {
        return; // memory is not limited here: the test above runs this in a child
    }
    let scalar = Tensor::<f32>::scalar(0.5);
    let large = scalar.expand([LARGE]).unwrap();
    let square = scalar.expand([1 << 15, 1 << 16]).unwrap();
    let column = scalar.expand([1 << 16, 1]).unwrap();
    let index = Tensor::<i64>::scalar(0).expand([LARGE]).unwrap();
    let mask = Tensor::scalar(true).expand([LARGE]).unwrap();
    let pairs = Tensor::new([0.5f32, 1.5]).expand([LARGE / 2, 2]).unwrap();
    // Overlapping windows, 8 GiB of them: to be reduced they are copied, where what repeats (stride 0) is not.
    let windows = Tensor::<f32>::zeros([3 << 15]);
    let windows = windows.unfold(0, 1 << 16, 1).unwrap();
    let rng = &mut Rng::seed(0);

    refused("try_zeros", Tensor::<f32>::try_zeros([LARGE]));
    refused("try_ones", Tensor::<i64>::try_ones([LARGE]));
    refused("try_full", Tensor::try_full([LARGE, 8], true));
    refused("try_eye", Tensor::<f32>::try_eye(1 << 16));
    refused("try_rand", Tensor::<f32>::try_rand([LARGE], rng));
    refused("uniform", Tensor::<f32>::uniform(0.0, 1.0, [LARGE], rng));
    refused("permutation", Tensor::permutation(LARGE, rng));
    refused("arange", Tensor::<i64>::arange(0, LARGE as i64, 1));
    refused("linspace", Tensor::<f32>::linspace(0.0, 1.0, LARGE));
    refused(
        "matmul",
        scalar
            .expand([1 << 16, 1])
            .unwrap()
            .matmul(&scalar.expand([1, 1 << 16]).unwrap()),
    );
    refused(
        "outer",
        column
            .squeeze(1)
            .unwrap()
            .outer(&column.squeeze(1).unwrap()),
    );
    refused("linear", column.linear(&column, None));
    refused("cat", Tensor::cat(&[&large, &large], 0));
    refused("stack", Tensor::stack(&[&large, &large], 0));
    refused("repeat", column.repeat([1, 1 << 16]));
    refused("roll", large.roll(1, 0));
    refused("reshape", pairs.reshape([LARGE]));
    refused("flatten", pairs.flatten(0, 1));
    refused("try_add", large.try_add(&scalar));
    refused("broadcast", column.try_mul(&column.t().unwrap()));
    refused("maximum", large.maximum(&large));
    refused("eq", square.eq(&scalar));
    refused("clamp", large.clamp(0.0, 1.0));
    refused("where_", mask.where_(&large, &scalar));
    refused("masked_fill", large.masked_fill(&mask, 1.0));
    refused("tril", square.tril(0));
    refused("index_select", large.index_select(0, &index));
    refused("gather", large.gather(0, &index));
    refused(
        "one_hot",
        index.narrow(0, 0, 1 << 16).unwrap().one_hot::<f32>(1 << 16),
    );
    refused("sum", windows.sum(1));
    refused("mean", windows.mean([0, 1]));
    refused("max", windows.max(0));
    refused("argmax", windows.argmax(0));
    refused("norm", windows.norm(0));
    refused("var", windows.var(0, 1));
    refused("logsumexp", windows.logsumexp(0));
    refused("cumsum", large.cumsum(0));
    refused("linear_scan", large.linear_scan(&large, 0));
    refused("softmax", large.softmax(0));
    refused("sort", large.sort(0, false));
    refused("topk", large.topk(3, 0, true));
    refused("unbind", large.unbind(0));
    refused("split", large.split(1, 0));
    refused("chunk", large.chunk(LARGE, 0));
    refused("copy_from", large.clone().copy_from(&scalar));
    refused("embed", Tensor::embed([LARGE], &large, |z| Ok(z.clone())));

    unwinds("zeros", || Tensor::<f32>::zeros([LARGE]));
    unwinds("randn", || Tensor::<f32>::randn([LARGE], &mut Rng::seed(0)));
    unwinds("exp", || large.exp());
    unwinds("cast", || large.cast::<f64>());
    unwinds("add", || &large + &large);
    unwinds("a scalar times", || 2.0 * &large);
    unwinds("by value", || large.clone() - scalar.clone());
    unwinds("neg", || -&large);
    unwinds("sum_all", || windows.sum_all());
    unwinds("copied", || large.copied());
    unwinds("contiguous", || square.contiguous());
    unwinds("to_vec", || large.to_vec());
    unwinds("fill", || large.clone().fill(1.0));
    unwinds("as_mut_slice", || large.clone().as_mut_slice().len());

    // A tensor that fits, beside a copy of it that does not: what failed has left it as it was.
    let mut held = Tensor::<u8>::full([HALF], 7);
    let view = held.clone();
    let second = Tensor::<u8>::try_full([HALF], 1);
    unwinds("a write to shared memory", || held += 1);
    assert_eq!((held.len(), held.get(&[-1]).unwrap()), (HALF, 7));
    unwinds("to_vec of what lies in order", || held.to_vec());
    drop((view, second));
    // Source, values and indices of a sort fit (16 bytes an element), its scratch beside them does not.
    drop(std::mem::replace(&mut held, Tensor::zeros(0)));
    memory::trim();
    let row = Tensor::<f32>::zeros([HALF / 8]);
    refused("scratch of sort", row.sort(0, false));
    drop(row);
    memory::trim();
    // Nothing of a megabyte is left, so the result of a sum fits and its partial sums, 1/32 of the source
    // at least, do not.
    let wide = Tensor::<f32>::zeros([1 << 10, 1 << 16]);
    let room = Tensor::<f32>::zeros([1 << 16]);
    let mut rest = Vec::new();
    while let Ok(t) = Tensor::<u8>::try_zeros([1 << 20]) {
        rest.push(t);
    }
    drop(room);
    unwinds("partial sums", || wide.sum(0));
    drop((wide, rest));
    memory::trim();
    held = Tensor::full([HALF], 7);
    // Alone, it is written in place; and what is given back can be had again.
    held += 1;
    assert_eq!(held.get(&[5]).unwrap(), 8);
    drop(held);
    assert_eq!(Tensor::<u8>::zeros([HALF]).len(), HALF);
    println!("every refusal was survived");
}
