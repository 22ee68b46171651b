//! Records for the tests of tables, and what must come back of them.

use fastrand::Rng;
use serde_json::value::RawValue;

/// Compact JSON values of every kind, each of which some format could change.
pub(crate) const VALUES: [&str; 34] = [
    "0",
    "-0",
    "1",
    "1.0",
    "1.50",
    "-2.5",
    "1e400",
    "5e-324",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "18446744073709551615",
    "0.1000000000000000055511151231257827",
    "null",
    "true",
    "false",
    r#""""#,
    r#""null""#,
    r#""1""#,
    r#""true""#,
    r#""json:1""#,
    r#""json:""#,
    r#""[1]""#,
    r#""=1+1""#,
    r#""'=1+1""#,
    r#""-x""#,
    r#""\t=1""#,
    r#""a\r\nb\nc,;\"'""#,
    r#""é 漢字 😀 \u0000\u0001""#,
    r#""\ud800""#,
    "[]",
    r#"{"a":[1,{"b":"\\"}],"c":null}"#,
    r#"[1.50,"=x"]"#,
];

/// Records of all these values, with members that are missing.
pub(crate) fn generated(seed: u64, count: usize) -> Vec<String> {
    let mut rng = Rng::with_seed(seed);
    let columns = rng.usize(1..8);
    // Some columns have one kind of value, others all.
    let kinds: Vec<_> = (0..columns).map(|_| rng.usize(0..5)).collect();
    (0..count)
        .map(|_| {
            let members = kinds.iter().enumerate().filter_map(|(name, kind)| {
                if rng.u8(0..5) == 0 {
                    return None;
                }
                let value = match kind {
                    0 => rng.i64(..).to_string(),
                    1 => serde_json::to_string(&f64::from_bits(rng.u64(..) >> 2)).unwrap(),
                    2 => rng.bool().to_string(),
                    3 => {
                        serde_json::to_string(&(0..rng.usize(0..9)).map(|_| rng.char(..)).collect::<String>())
                            .unwrap()
                    }
                    _ => rng.choice(VALUES).unwrap().to_owned(),
                };
                Some(format!("\"c{name}\":{value}"))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        })
        .collect()
}

/// Each record came back with its values; what was not there may be null.
pub(crate) fn check_same_but_nulls(lines: &[String], back: &[String]) {
    assert_eq!(lines.len(), back.len());
    let words = |value: &RawValue| match serde_json::from_str::<String>(value.get()) {
        Ok(text) => format!("text {text}"),
        Err(_) => value.get().to_owned(),
    };
    let members = |line: &str| {
        let raw: std::collections::HashMap<String, Box<RawValue>> = serde_json::from_str(line).unwrap();
        let mut members: Vec<_> = raw
            .iter()
            .filter(|(_, value)| value.get() != "null")
            .map(|(key, value)| (key.clone(), words(value)))
            .collect();
        members.sort();
        members
    };
    for (line, back) in lines.iter().zip(back) {
        assert_eq!(members(line), members(back), "\n{line}\n{back}");
    }
}

/// As [`check_same_but_nulls`], but numbers may be spelled another way.
pub(crate) fn check_same_numbers(lines: &[String], back: &[String]) {
    let spelled = |line: &String| {
        let members: Vec<(String, Box<RawValue>)> =
            serde_json::from_str::<std::collections::BTreeMap<_, _>>(line).unwrap().into_iter().collect();
        let members = members.iter().map(|(key, value)| {
            let text = value.get();
            // Longer ones are spelled the one way that there is.
            let short = text.parse::<f64>().ok().filter(|number| number.is_finite() && text.len() <= 6);
            let text =
                short.map_or_else(|| text.to_owned(), |number| serde_json::to_string(&number).unwrap());
            format!("\"{key}\":{text}")
        });
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    };
    let all = |lines: &[String]| lines.iter().map(spelled).collect::<Vec<_>>();
    check_same_but_nulls(&all(lines), &all(back));
}
