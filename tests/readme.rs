//! What the README shows of the terminal is what the terminal shows. (Its code is a doctest.)

use wengert::prelude::*;

#[test]
fn the_tape() -> Result<()> {
    let w = Param::new(Tensor::new([[0.5], [-1.0]]));
    w.set_name("w");
    let y = Var::new([[1.0, 2.0]]).matmul(&w.var())?.tanh();
    let tape = y.mse_loss(&Var::new([[0.0]]))?.tape().to_string();
    // But for the places, which are here others than there.
    let calls = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.starts_with('%'));
        let call = lines.filter_map(|line| line.split_once("  at "));
        call.map(|(call, _)| call.to_string()).collect()
    };
    assert_eq!(calls(&tape).len(), 4);
    assert_eq!(calls(include_str!("../README.md")), calls(&tape));
    Ok(())
}
