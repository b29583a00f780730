//! Environment variables that are not understood: said once on standard error, by a process of its own.

use std::process::Command;

use wengert_tensor::{IsaKind, Tensor, active_isa, num_threads};

/// Set in the process that the test below runs again.
const CHILD: &str = "WENGERT_TEST_ENV_CHILD";

#[test]
#[allow(clippy::print_stdout)] // what the parent reads
fn in_a_process_of_its_own() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    // Twice, and on several threads: what there is to say is said once.
    for _ in 0..2 {
        let here = || (active_isa(), num_threads());
        let all: Vec<_> = (0..4).map(|_| std::thread::spawn(here)).collect();
        let all: Vec<_> = all.into_iter().map(|t| t.join().unwrap()).collect();
        assert!(all.iter().all(|one| *one == here()), "{all:?}");
    }
    let sum = Tensor::<f32>::ones([300, 300]).sum_all();
    assert_eq!(sum.item().unwrap(), 90_000.0);
    println!("isa {} threads {}", active_isa().name(), num_threads());
}

/// What a process with these variables prints.
fn run(variables: &[(&str, &str)]) -> (String, String) {
    let out = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "in_a_process_of_its_own", "--nocapture"])
        .env(CHILD, "1")
        .env_remove("WENGERT_ISA")
        .env_remove("WENGERT_NUM_THREADS")
        .env_remove("WENGERT_CACHE_BYTES")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(out.status.success(), "{out:?}");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&out.stdout), text(&out.stderr))
}

#[test]
fn what_is_understood_is_taken_in_silence() {
    let (out, err) = run(&[
        ("WENGERT_ISA", "scalar"),
        ("WENGERT_NUM_THREADS", " 3 "),
        ("WENGERT_CACHE_BYTES", "0"),
    ]);
    assert!(out.contains("isa scalar threads 3"), "{out}");
    assert_eq!(err, "");
    assert_eq!(
        run(&[("WENGERT_ISA", ""), ("WENGERT_NUM_THREADS", "")]).1,
        ""
    );
}

#[test]
fn what_is_not_understood_is_said_once() {
    let plain = run(&[]);
    let (out, err) = run(&[
        ("WENGERT_ISA", "bogus"),
        ("WENGERT_NUM_THREADS", "bogus"),
        ("WENGERT_CACHE_BYTES", "1 GiB"),
    ]);
    // The defaults hold.
    let isa = |out: &str| out.lines().find(|l| l.starts_with("isa")).map(String::from);
    assert_eq!(isa(&out), isa(&plain.0));
    for said in [
        "wengert: WENGERT_ISA=bogus is ignored: bogus is no instruction set",
        "wengert: WENGERT_NUM_THREADS=bogus is ignored: bogus is not such a number",
        "wengert: WENGERT_CACHE_BYTES=1 GiB is ignored: 1 GiB is not such a number",
    ] {
        assert_eq!(err.matches(said).count(), 1, "{err}");
    }
    assert!(
        run(&[("WENGERT_NUM_THREADS", "0")])
            .1
            .contains("at least 1")
    );
}

#[test]
fn a_set_that_the_machine_lacks_is_said() {
    let here = IsaKind::available();
    for name in ["scalar", "avx2", "avx512", "neon"] {
        let (out, err) = run(&[("WENGERT_ISA", name)]);
        if here.iter().any(|k| k.name() == name) {
            assert!(out.contains(&format!("isa {name} ")), "{out}");
            assert_eq!(err, "");
        } else {
            let said = format!("WENGERT_ISA={name} is ignored: this machine has no {name}");
            assert!(err.contains(&said), "{err}");
        }
    }
}
