//! What tables become: missing values, classes learned on one file and applied to another, blanks between fields; features
//! and labels made ready.

use wengert_autograd::Var;
use wengert_nn::data::{
    Classes, Column, Csv, Fill, Standardizer, Table, class_weights, stratified_split,
};
use wengert_nn::{Dataset, Layer, Linear, Module, Result, Sequential, TensorDataset};
use wengert_tensor::{Rng, Tensor};

fn text<X>(r: Result<X>) -> String {
    match r {
        Ok(_) => panic!("it is taken"),
        Err(e) => e.to_string(),
    }
}

fn table(text: &str) -> Table {
    Csv::new().parse(text).unwrap()
}

#[test]
fn a_missing_value_is_refused_where_it_is_asked_for() {
    for none in [
        "", "  ", "NA", "n/a", "NaN", "nan", "null", "NULL", "?", " ? ",
    ] {
        let t = table(&format!("a,b\n1,x\n{none},y\n"));
        assert!(t.is_missing(1, 0) && !t.is_missing(0, 0) && !t.is_missing(9, 9));
        for error in [
            text(t.column::<f32>("a")),
            text(t.columns::<f64>(["a"])),
            text(t.columns_except::<f64>(["b"])),
            text(t.labels("a")),
            text(t.classes("a")),
        ] {
            assert!(
                error.starts_with("CSV text: line 3, column \"a\": "),
                "{error}"
            );
            assert!(error.contains("\n  hint  Table::drop_missing"), "{error}");
        }
        // The other column is whole.
        assert_eq!(t.classes("b").unwrap().0.to_vec(), [0, 1]);
    }
    let error = text(table("a\nNA\n").column::<f32>(0));
    assert!(
        error.contains("\"NA\" stands for a missing value, not for a number"),
        "{error}"
    );
    let error = text(table("a\nNA\n").classes(0));
    assert!(
        error.contains("\"NA\" stands for a missing value, not for a class"),
        "{error}"
    );

    // Others stand for nothing, if that is said; then NaN is the number, and NA a country.
    let csv = Csv::new().missing(["-999", ""]);
    let t = csv.parse("a,b\nNaN,NA\n2,b\n-999,\n").unwrap();
    assert!(
        text(t.column::<f64>("a")).contains("line 4, column \"a\": \"-999\" stands for a missing")
    );
    let t = t.drop_missing(["a"]).unwrap();
    assert!(t.column::<f64>("a").unwrap().to_vec()[0].is_nan());
    assert_eq!(t.classes("b").unwrap().1.names(), ["NA", "b"]);
}

#[test]
fn rows_with_missing_values_are_dropped() {
    let t = table("a,b,c\n1,?,x\n\n2,5,\nNA,6,y\n3,7,z\n");
    let whole = t.drop_missing(["a", "b"]).unwrap();
    assert_eq!(
        (whole.rows(), whole.header().unwrap()),
        (2, t.header().unwrap())
    );
    assert_eq!(
        whole.columns::<f32>(["b", "a"]).unwrap().to_vec(),
        [5.0, 2.0, 7.0, 3.0]
    );
    // Lines are still those of the file.
    assert!(text(whole.labels("c")).contains("line 4, column \"c\": the field is empty"));
    let all = t.drop_missing(0..3).unwrap();
    assert_eq!((all.rows(), all.field(0, 2)), (1, Some("z")));
    let nothing = t.drop_missing(Vec::<usize>::new()).unwrap();
    assert_eq!(nothing.rows(), 4);
    assert!(text(t.drop_missing(["A", "d"])).contains("no column \"A\""));
    let none = table("a,b\n?,1\n2,?\n");
    assert_eq!(
        text(none.drop_missing(["a", "b"])),
        "CSV text: every row misses a value in one of \"a\", \"b\""
    );
}

#[test]
fn a_mean_of_one_file_fills_another() {
    let train = table("age,fare,kind\n20,1,a\n,NA,\n40,4,b\n");
    let fill = Fill::mean(&train, ["age", "fare"]).unwrap();
    assert_eq!(
        fill.values(),
        [(Column::from("age"), 30.0), ("fare".into(), 2.5)]
    );
    let x = fill
        .apply(&train)
        .unwrap()
        .columns::<f64>(["age", "fare"])
        .unwrap();
    assert_eq!(x.to_vec(), [20.0, 1.0, 30.0, 2.5, 40.0, 4.0]);
    // By name, wherever the column stands, and only there.
    let test = table("kind,fare,age\n?,?,?\n");
    let filled = fill.apply(&test).unwrap();
    assert_eq!(
        filled.columns::<f64>(["age", "fare"]).unwrap().to_vec(),
        [30.0, 2.5]
    );
    assert!(filled.classes("kind").is_err());
    assert!(text(fill.apply(&table("ages,fare\n1,2\n"))).contains("did you mean \"ages\"?"));
    // By index, and labels.
    let t = Csv::new().header(false).parse("1,\n?,3\n").unwrap();
    let filled = Fill::new([(0, 7.0), (1, -1.5)]).apply(&t).unwrap();
    assert_eq!(
        filled.columns::<f32>(0..2).unwrap().to_vec(),
        [1.0, -1.5, 7.0, 3.0]
    );
    assert_eq!(filled.labels(0).unwrap().to_vec(), [1, 7]);

    let t = table("a,b,c,d\n?,x,1.7e308,inf\n?,1,1.7e308,1\n");
    assert!(text(Fill::mean(&t, ["a"])).contains("column \"a\": every value is missing"));
    assert!(text(Fill::mean(&t, ["b"])).contains("line 2, column \"b\": \"x\" is not a number"));
    assert!(text(Fill::mean(&t, ["d"])).contains("column \"d\": its values have no finite mean"));
    assert_eq!(Fill::mean(&t, ["c"]).unwrap().values()[0].1, 1.7e308);
    assert!(text(Fill::mean(&t, ["e"])).contains("no column \"e\""));
    for value in [f64::NAN, f64::INFINITY] {
        assert!(text(Fill::new([("a", value)]).apply(&t)).contains("a finite number"));
    }
    // An f32 is the nearest of the mean, not of its decimals cut off.
    let third = Fill::new([("a", 1.0 / 3.0)]).apply(&t).unwrap();
    assert_eq!(
        third.column::<f32>("a").unwrap().to_vec(),
        [1.0f32 / 3.0; 2]
    );
}

#[test]
fn classes_of_one_file_mean_the_same_in_another() {
    let (train, test) = (table("kind\nb\nc\n a\nb\n"), table("kind\nc\nb\n"));
    let (y, kinds) = train.classes("kind").unwrap();
    assert_eq!(
        (y.to_vec(), kinds.names().join(" ")),
        (vec![1, 2, 0, 1], "a b c".into())
    );
    assert_eq!(test.labels_in("kind", &kinds).unwrap().to_vec(), [2, 1]);
    assert_eq!(
        train.labels_in("kind", &kinds).unwrap().to_vec(),
        y.to_vec()
    );

    let kinds = Classes::learn(["setosa", "virginica", "versicolor"]);
    let unknown =
        |word: &str| text(table(&format!("kind\nsetosa\n{word}\n")).labels_in("kind", &kinds));
    assert_eq!(
        unknown("setsoa"),
        "CSV text: line 3, column \"kind\": \"setsoa\" is none of the classes\n  hint  did you mean \"setosa\"?"
    );
    assert!(unknown("Setosa").contains("did you mean \"setosa\"?"));
    assert!(unknown("tulip").contains("the classes are \"setosa\", \"versicolor\", \"virginica\""));
    assert!(unknown("?").contains("stands for a missing value"));
    assert!(text(test.labels_in("knid", &kinds)).contains("did you mean \"kind\"?"));
    let many: Vec<String> = (0..30).map(|i| format!("class {i:03}")).collect();
    let many = Classes::new(many).unwrap();
    assert!(text(many.labels(["z"])).contains("\"class 009\" and 20 more"));
}

#[test]
fn classes_are_kept_as_text() {
    let odd = Classes::new(["b", "", "a\nb", "\\n", "tab\t", "\r", " é "]).unwrap();
    let again: Classes = odd.to_string().parse().unwrap();
    assert_eq!(again, odd);
    assert_eq!(
        (again.label("\\n"), again.label("x"), again.name(1)),
        (Some(3), None, Some(""))
    );
    assert_eq!(
        (again.name(-1), again.name(7), again.len()),
        (None, None, 7)
    );
    let none: Classes = "".parse().unwrap();
    assert!(none.is_empty());
    assert!(text(Classes::new(["a", "b", "a"])).contains("name = \"a\", for the second time"));
    assert!(text("a\na\n".parse::<Classes>()).contains("for the second time"));
    assert!(text("a\\x".parse::<Classes>()).contains("a backslash"));
}

#[test]
fn labels_with_a_decimal_point() {
    let labels = |words: &str| table(&format!("y\n{}\n", words.replace(' ', "\n"))).labels("y");
    let good = labels("1.0 2. 3e0 -4.00 +5 9223372036854775807").unwrap();
    assert_eq!(good.to_vec(), [1, 2, 3, -4, 5, i64::MAX]);
    for wrong in ["1.5", "1e300", "inf", "9223372036854775808", "x", "1,0"] {
        let quoted = format!("\"{wrong}\"");
        assert!(
            text(labels(&quoted)).contains("is not a whole number"),
            "{wrong}"
        );
    }
}

#[test]
fn blanks_separate_fields() {
    let csv = Csv::new().whitespace();
    let t = csv.parse("a  b\tc\n 1 2  3 \n\n\t\n4\t5 \t 6\r\n").unwrap();
    assert_eq!(t.header().unwrap(), ["a", "b", "c"]);
    assert_eq!(
        t.columns::<f32>(0..3).unwrap().to_vec(),
        [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    );
    // Quotes hold fields together, and lines are those of the file.
    let quoted = "18. 8 \"chevrolet  \"\"malibu\"\"\"\n9 \"\" it's\"so\n1 2\n";
    let e = text(csv.clone().header(false).parse(quoted));
    assert!(
        e.contains("line 3 has 2 fields, line 1 has 3 fields"),
        "{e}"
    );
    let t = csv
        .clone()
        .header(false)
        .parse(&quoted[..quoted.len() - 4])
        .unwrap();
    assert_eq!(
        (t.field(0, 2), t.field(1, 1)),
        (Some("chevrolet  \"malibu\""), Some(""))
    );
    assert_eq!(t.field(1, 2), Some("it's\"so"));
    let commented = csv
        .clone()
        .header(false)
        .comment(b'#')
        .parse("  # don't \"x\n1 2\n#\n 3 #4\nx y\n")
        .unwrap();
    assert_eq!((commented.rows(), commented.field(1, 1)), (3, Some("#4")));
    assert!(text(commented.column::<f32>(0)).contains("line 5, column 0"));
    let marked = csv.parse("\u{feff}a b\n1 2\n").unwrap();
    assert_eq!(marked.column::<f32>("a").unwrap().to_vec(), [1.0]);
    assert!(
        text(Csv::new().delimiter(b'#').comment(b'#').parse("1"))
            .contains("not what comments start with")
    );
    // Any bytes at all.
    let mut rng = Rng::seed(0);
    for _ in 0..2000 {
        let bytes: Vec<u8> = (0..rng.below(30))
            .map(|_| b"1 \t.\"\n\r#\x1f\xef\xbb\xbfa"[rng.below(13) as usize])
            .collect();
        let csv = Csv::new().header(false).whitespace().comment(b'#');
        if let Ok(t) = csv.parse(&bytes) {
            assert!(t.rows() > 0 && t.field(t.rows() - 1, t.width() - 1).is_some());
        }
    }
}

#[test]
fn a_name_that_is_nearly_right_is_named() {
    let t = table("Sepal length,petal,kind\n1,2,3\n");
    let hint = |name: &str| text(t.column::<f32>(name));
    assert!(hint("sepal_length").ends_with("\n  hint  did you mean \"Sepal length\"?"));
    assert!(hint("patel").ends_with("did you mean \"petal\"?"));
    assert!(hint("Kind ").ends_with("did you mean \"kind\"?"));
    assert!(!hint("label").contains("did you mean"));
}

#[test]
fn standardized_features_have_mean_zero_and_deviation_one() {
    let mut rng = Rng::seed(0);
    let x = Tensor::<f64>::randn([200, 3], &mut rng) * Tensor::new([1.0, 1e-3, 1e6])
        + Tensor::new([5.0, 1e3, -1e9]);
    let scale = Standardizer::fit(&x).unwrap();
    let z = scale.apply(&x).unwrap();
    let (mean, square) = (z.mean(0).unwrap(), (&z * &z).mean(0).unwrap());
    assert!(mean.iter().all(|m| m.abs() < 1e-9), "{mean}");
    assert!(square.iter().all(|s| (s - 1.0).abs() < 1e-9), "{square}");
    let back = scale.inverse(&z).unwrap();
    assert!(
        x.iter()
            .zip(back.iter())
            .all(|(a, b)| (a - b).abs() <= 1e-15 * a.abs())
    );
    // What is learned is applied to others, of any number, or one row; the layer does the same.
    let other = Tensor::<f64>::randn([7, 3], &mut rng);
    let expected = ((&other - &scale.mean()) / scale.std()).to_vec();
    assert_eq!(scale.apply(&other).unwrap().to_vec(), expected);
    let row = other.select(0, 2).unwrap();
    assert_eq!(scale.apply(&row).unwrap().to_vec(), expected[6..9]);
    assert_eq!(
        scale.forward(&Var::from(&other)).unwrap().to_vec(),
        expected
    );
}

#[test]
fn constant_and_far_features_stay_finite() {
    // 0.1 summed ten times is not 1: the mean of equal values is the value.
    let x = Tensor::from_vec([0.1, 1e200, 5e-324].repeat(10), [10, 3]).unwrap();
    let scale = Standardizer::fit(&x).unwrap();
    assert_eq!(
        (scale.mean().to_vec(), scale.std().to_vec()),
        (vec![0.1, 1e200, 5e-324], vec![1.0; 3])
    );
    assert_eq!(scale.apply(&x).unwrap().to_vec(), [0.0; 30]);
    let far = Tensor::new([[1e200, 1e-200, 0.0], [-1e200, 3e-200, 5e-324]]);
    let scale = Standardizer::fit(&far).unwrap();
    assert_eq!(scale.std().to_vec()[..2], [1e200, 1e-200]);
    assert!(scale.apply(&far).unwrap().iter().all(f64::is_finite));
    let one = Standardizer::fit(&Tensor::new([[3.0f32, 4.0]])).unwrap();
    assert_eq!(
        one.apply(&Tensor::new([[3.0, 4.0]])).unwrap().to_vec(),
        [0.0, 0.0]
    );
    let pictures = Standardizer::fit(&Tensor::<f32>::ones([4, 2, 2])).unwrap();
    assert_eq!(pictures.mean().shape(), &[2, 2][..]);

    for (wrong, part) in [
        (
            Tensor::new([[1.0, f64::NAN]]),
            "x = NaN, in row 0, feature 1",
        ),
        (
            Tensor::new([[1.0], [f64::INFINITY]]),
            "x = inf, in row 1, feature 0",
        ),
        (Tensor::zeros([0, 2]), "at least one"),
        (Tensor::scalar(1.0), "at least one"),
        (
            Tensor::new([[f64::MAX], [-f64::MAX]]),
            "std = infinite, of feature 0",
        ),
    ] {
        assert!(text(Standardizer::fit(&wrong)).contains(part), "{part}");
    }
    // One feature does not pass for all.
    for shape in [vec![5, 1], vec![1], vec![2], vec![5, 3, 2], vec![]] {
        let x = Tensor::<f64>::zeros(&shape[..]);
        assert!(
            text(scale.apply(&x)).contains("other features"),
            "{shape:?}"
        );
        assert!(scale.inverse(&x).is_err() && scale.forward(&Var::from(x)).is_err());
    }
    let new = |std: f64| text(Standardizer::new(Tensor::new([0.0]), Tensor::new([std])));
    assert!(
        [0.0, -1.0, f64::NAN, f64::INFINITY]
            .iter()
            .all(|s| new(*s).contains("finite and above 0"))
    );
    assert!(Standardizer::new(Tensor::new([0.0]), Tensor::new([[1.0]])).is_err());
    assert!(Standardizer::new(Tensor::new([f64::NAN]), Tensor::new([1.0])).is_err());
}

#[test]
fn a_standardizer_is_saved_with_its_model() {
    let net = |scale: Standardizer| {
        Sequential::new()
            .push(scale)
            .push(Linear::new(2, 1, &mut Rng::seed(0)))
    };
    let x = Tensor::new([[1.0f32, 10.0], [2.0, 30.0], [6.0, -10.0]]);
    let trained = net(Standardizer::fit(&x).unwrap());
    let file = tempfile::NamedTempFile::new().unwrap();
    trained.save(file.path()).unwrap();
    let loaded = net(Standardizer::new(Tensor::zeros([2]), Tensor::ones([2])).unwrap());
    loaded.load(file.path()).unwrap();
    let answers = |net: &Sequential| net.forward(&Var::from(&x)).unwrap().to_vec();
    assert_eq!(answers(&loaded), answers(&trained));
    // It is not trained.
    assert_eq!(trained.parameters().len(), 2);
}

#[test]
fn a_stratified_split_has_the_classes_of_the_set_in_each_part() {
    let mut rng = Rng::seed(0);
    // Classes of any numbers: 3, 50, 7, 40 and one row.
    let sizes = [(-2i64, 3), (0, 50), (9, 7), (4, 40), (i64::MAX, 1)];
    let mut labels: Vec<i64> = sizes.iter().flat_map(|(c, n)| vec![*c; *n]).collect();
    rng.shuffle(&mut labels);
    let y = Tensor::from_slice(&labels, [labels.len()]).unwrap();
    let n = labels.len();
    let set = || TensorDataset::new((Tensor::arange(0, n as i64, 1).unwrap(), y.clone())).unwrap();
    for fractions in [
        [0.8, 0.1, 0.1],
        [0.5, 0.25, 0.25],
        [1.0, 0.0, 0.0],
        [0.34, 0.33, 0.33],
    ] {
        let parts = stratified_split(set(), &y, fractions, &mut rng).unwrap();
        let mut seen: Vec<usize> = parts.iter().flat_map(|p| p.indices().to_vec()).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..n).collect::<Vec<_>>());
        for (part, fraction) in parts.iter().zip(fractions) {
            assert!((part.len() as f64 - fraction * n as f64).abs() < 3.0);
            let rows: Vec<usize> = (0..part.len()).collect();
            let own = part.batch(&rows).unwrap().1.to_vec();
            for (class, size) in sizes {
                let count = own.iter().filter(|c| **c == class).count() as f64;
                assert!(
                    (count - fraction * size as f64).abs() < 2.0,
                    "{class} {fractions:?} {count}"
                );
            }
            // The classes are mixed.
            assert!(own.is_empty() || !own.is_sorted());
        }
    }
    let split = |seed| stratified_split(set(), &y, [81, 20], &mut Rng::seed(seed)).unwrap();
    let [train, test] = split(1);
    assert_eq!((train.len(), test.len()), (81, 20));
    assert_eq!(train.indices(), split(1)[0].indices());
    assert_ne!(train.indices(), split(2)[0].indices());
    assert!(text(stratified_split(set(), &y, [81, 21], &mut rng)).contains("add up"));
    for wrong in [Tensor::zeros([n - 1]), Tensor::zeros([n, 1])] {
        assert!(
            text(stratified_split(set(), &wrong, [0.5, 0.5], &mut rng))
                .contains("one label for each row")
        );
    }
    let none = TensorDataset::new(Tensor::<f32>::zeros([0])).unwrap();
    let parts = stratified_split(none, &Tensor::zeros([0]), [0.5, 0.5], &mut rng).unwrap();
    assert!(parts.iter().all(Dataset::is_empty));
}

#[test]
fn weights_of_classes_are_balanced() {
    let labels = Tensor::new([[0i64, 2, 2], [1, 2, 2]]);
    let w = class_weights::<f64>(&labels, 3).unwrap();
    assert_eq!(w.to_vec(), [2.0, 2.0, 0.5]);
    let mean: f64 = labels.iter().map(|c| w.to_vec()[c as usize]).sum::<f64>() / 6.0;
    assert_eq!(mean, 1.0);
    for (classes, part) in [
        (2, "label = 2, the 2nd, of 2 classes"),
        (4, "labels = none of class 3"),
        (usize::MAX, "labels = none of class 3"),
        (0, "label = 0, the 1st, of 0 classes"),
    ] {
        let error = text(class_weights::<f32>(&labels, classes));
        assert!(error.contains(part), "{error}");
    }
    assert!(
        text(class_weights::<f32>(&Tensor::new([0i64, -1]), 2)).contains("label = -1, the 2nd")
    );
    assert!(text(class_weights::<f32>(&Tensor::zeros([0]), 2)).contains("none of class 0"));
    assert_eq!(
        class_weights::<f32>(&Tensor::zeros([0]), 0).unwrap().len(),
        0
    );
}
