//! `#[derive(Module)]` on every kind of type, and the modules that the standard library's types are.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use wengert::prelude::*;

fn linear() -> Linear {
    Linear::new(1, 1, &mut Rng::seed(0))
}

fn names(m: &dyn Module) -> Vec<String> {
    let all = m.named_parameters();
    all.into_iter().map(|(name, _)| name).collect()
}

/// The names of parameters without those that a `Linear` has below its own.
fn layers(m: &dyn Module) -> Vec<String> {
    let mut all: Vec<String> = names(m);
    all.retain(|n| n.ends_with("weight"));
    let cut = |n: &String| {
        n.trim_end_matches("weight")
            .trim_end_matches('.')
            .to_string()
    };
    all.iter().map(cut).collect()
}

#[test]
fn the_active_variant_of_an_enum_is_visited() {
    #[derive(Module)]
    enum Head {
        None,
        Tuple(Linear, Linear),
        Named {
            a: Linear,
            b: Option<Linear>,
        },
        Empty {},
        NoFields(),
        Other {
            #[module(skip)]
            _left_out: std::cell::Cell<u8>,
            #[module(rename = "under")]
            field0: Linear,
            visitor: Linear,
        },
        Renamed(
            #[module(skip)]
            #[allow(dead_code)]
            Linear,
            #[module(rename = "c")] Linear,
        ),
    }
    let layers = |h: Head| layers(&h);
    assert_eq!(layers(Head::Tuple(linear(), linear())), ["0", "1"]);
    let (a, b) = (linear(), None);
    assert_eq!(layers(Head::Named { a, b }), ["a"]);
    let (a, b) = (linear(), Some(linear()));
    assert_eq!(layers(Head::Named { a, b }), ["a", "b"]);
    let other = Head::Other {
        _left_out: Default::default(),
        field0: linear(),
        visitor: linear(),
    };
    assert_eq!(layers(other), ["under", "visitor"]);
    assert_eq!(layers(Head::Renamed(linear(), linear())), ["c"]);
    for none in [Head::None, Head::Empty {}, Head::NoFields()] {
        assert!(layers(none).is_empty());
    }
}

#[test]
fn enums_without_variants_and_types_without_fields() {
    #[derive(Module)]
    enum Never {}
    #[derive(Module)]
    struct Unit;
    #[derive(Module)]
    struct Braces {}
    #[derive(Module)]
    struct Parens();
    #[derive(Module)]
    struct Holder {
        never: Option<Never>,
        unit: Unit,
    }
    let all: [&dyn Module; 4] = [
        &Unit,
        &Braces {},
        &Parens(),
        &Holder {
            never: None,
            unit: Unit,
        },
    ];
    assert!(all.iter().all(|m| names(*m).is_empty()));
}

#[test]
fn tuples_and_raw_identifiers() {
    #[derive(Module)]
    struct Pair(Linear, #[module(rename = "second")] Linear);
    assert_eq!(layers(&Pair(linear(), linear())), ["0", "second"]);
    #[derive(Module)]
    struct Raw {
        r#type: Linear,
        r#fn: Linear,
        self_: Linear,
    }
    let raw = Raw {
        r#type: linear(),
        r#fn: linear(),
        self_: linear(),
    };
    assert_eq!(layers(&raw), ["type", "fn", "self_"]);
}

/// A family of layers, which a generic network is made of.
trait Family {
    type Layer;
}
struct Lines;
impl Family for Lines {
    type Layer = Linear;
}

#[derive(Module)]
struct Bare<M> {
    inner: M,
    list: Vec<M>,
}

#[derive(Module)]
struct Associated<F: Family, const N: usize> {
    layers: [F::Layer; N],
    family: PhantomData<F>,
}

#[derive(Module)]
struct Borrowed<'a, M: ?Sized, T = f32>
where
    T: Float,
{
    inner: &'a M,
    scale: Param<T>,
    name: &'a str,
}

#[derive(Module)]
enum Either<A, B = Linear> {
    Left(A),
    Right { b: Bare<B> },
}

#[derive(Module)]
struct Tree<M> {
    here: M,
    branches: Vec<Tree<M>>,
    next: Option<Box<Self>>,
}

/// A parameter that only a skipped field has needs no bound.
#[derive(Module)]
struct Skipped<T> {
    #[module(skip)]
    _data: T,
    layer: Linear,
}

#[test]
fn generics_need_no_bounds() {
    let bare = || Bare {
        inner: linear(),
        list: vec![linear()],
    };
    assert_eq!(layers(&bare()), ["inner", "list.0"]);
    let nested = Bare {
        inner: bare(),
        list: vec![],
    };
    assert_eq!(layers(&nested), ["inner.inner", "inner.list.0"]);
    let associated = Associated::<Lines, 2> {
        layers: [linear(), linear()],
        family: PhantomData,
    };
    assert_eq!(layers(&associated), ["layers.0", "layers.1"]);
    let scale = Param::new(Tensor::new([1.0f64]));
    let inner = linear();
    let inner: &dyn Module = &inner;
    let (name, label) = ("a".to_string(), "scale");
    let borrowed = Borrowed {
        inner,
        scale,
        name: &name,
    };
    assert_eq!(names(&borrowed), ["inner.weight", "inner.bias", label]);
    assert_eq!(borrowed.name, "a");
    assert_eq!(layers(&Either::<Linear>::Left(linear())), ["0"]);
    assert_eq!(
        layers(&Either::<Linear>::Right { b: bare() }),
        ["b.inner", "b.list.0"]
    );
    let leaf = || Tree {
        here: linear(),
        branches: vec![],
        next: None,
    };
    let tree = Tree {
        here: linear(),
        branches: vec![leaf()],
        next: Some(Box::new(leaf())),
    };
    assert_eq!(layers(&tree), ["here", "branches.0.here", "next.here"]);
    let skipped = Skipped {
        _data: std::cell::Cell::new(1),
        layer: linear(),
    };
    assert_eq!(layers(&skipped), ["layer"]);
}

#[test]
fn a_type_that_a_macro_declares() {
    macro_rules! net {
        ($name:ident $field:ident $t:ty) => {
            #[derive(Module)]
            struct $name {
                $field: $t,
                own: Option<$t>,
            }
        };
    }
    net!(Net first Linear);
    let net = Net {
        first: linear(),
        own: Some(linear()),
    };
    assert_eq!(layers(&net), ["first", "own"]);
}

/// Names that the derive might use are the user's.
#[test]
fn names_in_scope_do_not_matter() {
    #[allow(non_upper_case_globals, dead_code)]
    const visitor: u8 = 0;
    #[allow(non_upper_case_globals, dead_code)]
    const field0: u8 = 0;
    #[allow(dead_code)]
    trait Visitor {}
    #[allow(dead_code)]
    enum Option {}
    #[derive(Module)]
    enum E {
        A(Linear),
    }
    assert_eq!(layers(&E::A(linear())), ["0"]);
}

#[test]
fn pointers_are_transparent_and_lists_and_maps_name_their_items() {
    #[derive(Module)]
    struct All {
        boxed: Box<Linear>,
        rc: Rc<Linear>,
        arc: Arc<Linear>,
        erased: Box<dyn Layer + Send + Sync>,
        modules: Vec<Rc<dyn Module>>,
        slice: Box<[Linear]>,
        deque: VecDeque<Linear>,
        later: OnceLock<Linear>,
        map: BTreeMap<String, Linear>,
        by_number: BTreeMap<u32, Linear>,
        hashed: HashMap<&'static str, Linear>,
        many: (Linear, Option<Linear>, [Linear; 1], (), (), (), (), Linear),
    }
    let three = ["b", "c", "a"];
    let all = All {
        boxed: Box::new(linear()),
        rc: Rc::new(linear()),
        arc: Arc::new(linear()),
        erased: Box::new(linear()),
        modules: vec![Rc::new(linear())],
        slice: vec![linear()].into(),
        deque: VecDeque::from([linear()]),
        later: OnceLock::new(),
        map: three.map(|k| (k.to_string(), linear())).into(),
        by_number: [10, 9].map(|k| (k, linear())).into(),
        hashed: three.map(|k| (k, linear())).into(),
        many: (linear(), None, [linear()], (), (), (), (), linear()),
    };
    let expected = [
        "boxed",
        "rc",
        "arc",
        "erased",
        "modules.0",
        "slice.0",
        "deque.0",
        "map.a",
        "map.b",
        "map.c",
        "by_number.9",
        "by_number.10",
        "hashed.a",
        "hashed.b",
        "hashed.c",
        "many.0",
        "many.2.0",
        "many.7",
    ];
    assert_eq!(layers(&all), expected);
    assert!(all.later.set(linear()).is_ok());
    assert_eq!(layers(&all).len(), expected.len() + 1);
}

#[test]
fn settings_hold_nothing() {
    #[derive(Module)]
    struct Settings<'a> {
        unit: (),
        flag: bool,
        letter: char,
        bytes: [u8; 3],
        small: (i8, i16, i32, i64, i128, isize),
        large: (u8, u16, u32, u64, u128, usize),
        floats: (f32, f64),
        text: &'a str,
        still: &'static str,
        shared: Arc<str>,
        own: Box<str>,
        words: Vec<String>,
        width: Option<usize>,
        timeout: Duration,
        path: std::path::PathBuf,
        table: HashMap<String, f64>,
        dtype: DType,
        shape: Shape,
        marker: PhantomData<fn(std::cell::Cell<u8>)>,
    }
    let text = String::from("a");
    let settings = Settings {
        unit: (),
        flag: true,
        letter: 'a',
        bytes: [0; 3],
        small: (0, 0, 0, 0, 0, 0),
        large: (0, 0, 0, 0, 0, 0),
        floats: (0.0, 0.0),
        text: &text,
        still: "b",
        shared: "c".into(),
        own: "d".into(),
        words: vec![],
        width: Some(1),
        timeout: Duration::ZERO,
        path: "e".into(),
        table: HashMap::from([("f".to_string(), 1.0)]),
        dtype: DType::F32,
        shape: Shape::new(),
        marker: PhantomData,
    };
    assert!(settings.state_dict().unwrap().is_empty());
}

#[test]
fn a_module_behind_a_path_of_its_own() {
    mod own {
        pub use wengert_nn::{Module, Visitor};
    }
    #[derive(Module)]
    #[module(crate = own)]
    struct Net {
        layer: Linear,
    }
    assert_eq!(layers(&Net { layer: linear() }), ["layer"]);
}
