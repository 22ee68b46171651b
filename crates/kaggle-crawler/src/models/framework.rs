//! The frameworks of variations: one spelling of several.

/// As handles spell them (`owner/model/tensorFlow2/instance`), and as the methods do behind `MODEL_FRAMEWORK_`.
const KNOWN: [(&str, &str); 23] = [
    ("tensorFlow1", "TENSOR_FLOW_1"),
    ("tensorFlow2", "TENSOR_FLOW_2"),
    ("tfLite", "TF_LITE"),
    ("tfJs", "TF_JS"),
    ("pyTorch", "PY_TORCH"),
    ("jax", "JAX"),
    ("flax", "FLAX"),
    ("pax", "PAX"),
    ("maxText", "MAX_TEXT"),
    ("gemmaCpp", "GEMMA_CPP"),
    ("ggml", "GGML"),
    ("gguf", "GGUF"),
    ("coral", "CORAL"),
    ("scikitLearn", "SCIKIT_LEARN"),
    ("mxnet", "MXNET"),
    ("onnx", "ONNX"),
    ("keras", "KERAS"),
    ("transformers", "TRANSFORMERS"),
    ("api", "API"),
    ("other", "OTHER"),
    ("tensorRtLlm", "TENSOR_RT_LLM"),
    ("triton", "TRITON"),
    ("vllm", "VLLM"),
];
const PREFIX: &str = "MODEL_FRAMEWORK_";

/// As a handle spells it. One that is not known keeps its letters: of `MODEL_FRAMEWORK_NEW_ONE` comes `newOne`, and
/// whatever else is left as it is.
pub fn handle(told: &str) -> String {
    if let Some((handle, _)) = known(told) {
        return (*handle).to_owned();
    }
    let Some(name) = told.strip_prefix(PREFIX) else { return told.to_owned() };
    let mut words = name.split('_').map(str::to_lowercase);
    let mut handle = words.next().unwrap_or_default();
    for word in words {
        let mut letters = word.chars();
        handle.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        handle.push_str(letters.as_str());
    }
    handle
}

/// As the methods want it.
pub(super) fn asked(told: &str) -> String {
    match known(told) {
        Some((_, name)) => format!("{PREFIX}{name}"),
        None => told.to_owned(),
    }
}

fn known(told: &str) -> Option<&'static (&'static str, &'static str)> {
    let wanted = squeezed(told.strip_prefix(PREFIX).unwrap_or(told));
    KNOWN.iter().find(|(_, name)| squeezed(name) == wanted)
}

fn squeezed(text: &str) -> String {
    text.chars().filter(|letter| *letter != '_').flat_map(char::to_lowercase).collect()
}

/// A folder of this name: as it is, but for what would be no folder, or several. `=` is `==`, `/` is `=s`, and
/// nothing but dots has `=.` in front.
pub(super) fn segment(name: &str) -> String {
    let safe = name.replace('=', "==").replace('/', "=s");
    if safe.chars().all(|letter| letter == '.') { format!("=.{safe}") } else { safe }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_framework_has_one_spelling_whatever_the_service_calls_it_and_unknown_ones_are_kept() {
        for told in
            ["MODEL_FRAMEWORK_TENSOR_FLOW_2", "tensorFlow2", "TensorFlow2", "TENSORFLOW2", "tensor_flow_2"]
        {
            assert_eq!(
                (handle(told).as_str(), asked(told).as_str()),
                ("tensorFlow2", "MODEL_FRAMEWORK_TENSOR_FLOW_2")
            );
        }
        assert_eq!(handle("MODEL_FRAMEWORK_BRAND_NEW_3"), "brandNew3");
        assert_eq!((handle("Brand New"), asked("Brand New")), ("Brand New".into(), "Brand New".into()));
        for (handle_, name) in KNOWN {
            assert_eq!((handle(name).as_str(), handle(handle_).as_str()), (handle_, handle_));
        }
    }

    #[test]
    fn no_name_is_more_than_one_folder() {
        let names = ["../x", "a/b", "..", ".", "", "a=sb", "=.", "2b"].map(segment);
        assert!(names.iter().all(|name| !name.contains('/') && !name.chars().all(|letter| letter == '.')));
        assert_eq!(names.iter().collect::<std::collections::HashSet<_>>().len(), names.len());
        assert_eq!(names[7], "2b");
    }
}
