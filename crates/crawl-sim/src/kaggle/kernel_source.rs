//! What notebooks and scripts hold: clean ones, odd ones and broken ones.

use serde_json::{Value, json};

use crate::dice::Dice;

/// A language, a type, and what is odd about it.
pub(super) struct Flavour {
    pub(super) language: &'static str,
    pub(super) kind: &'static str,
    pub(super) shape: Shape,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Lists,
    Texts,
    BrokenCell,
    TwoDocuments,
    Worksheets,
    RNotebook,
    JuliaNotebook,
    Plain,
    Python2,
    Converted,
    R,
    Rmd,
    Sql,
    Julia,
}

const fn flavour(language: &'static str, kind: &'static str, shape: Shape) -> Flavour {
    Flavour { language, kind, shape }
}

/// The kernel of index `n` has the flavour of index `n % 16`.
pub(super) const FLAVOURS: [Flavour; 16] = [
    flavour("python", "notebook", Shape::Lists),
    flavour("python", "script", Shape::Plain),
    flavour("python", "notebook", Shape::Texts),
    flavour("r", "script", Shape::R),
    flavour("rmarkdown", "script", Shape::Rmd),
    flavour("r", "notebook", Shape::RNotebook),
    flavour("python", "script", Shape::Python2),
    flavour("python", "notebook", Shape::BrokenCell),
    flavour("python", "notebook", Shape::TwoDocuments),
    flavour("python", "notebook", Shape::Worksheets),
    flavour("sqlite", "script", Shape::Sql),
    flavour("julia", "script", Shape::Julia),
    // A notebook that says it is a script.
    flavour("python", "script", Shape::Lists),
    flavour("julia", "notebook", Shape::JuliaNotebook),
    // The service does not know what it is.
    flavour("", "", Shape::Plain),
    flavour("python", "script", Shape::Converted),
];

const IMPORTS: [&str; 8] = [
    "import numpy as np",
    "import pandas as pd, os",
    "from sklearn.model_selection import (\n    train_test_split,\n    KFold,\n)",
    "import matplotlib.pyplot as plt; import seaborn as sns",
    "try:\n    import lightgbm as lgb\nexcept ImportError:\n    lgb = None",
    "torch = __import__(\"torch\")",
    "import importlib\nkeras = importlib.import_module(\"tensorflow.keras\")",
    "from PIL import Image",
];

/// The text of a kernel.
pub(super) fn source(flavour: &Flavour, dice: &mut Dice, index: u64) -> String {
    let imports = (0..=dice.below(3)).map(|_| dice.pick(&IMPORTS)).collect::<Vec<_>>().join("\n");
    let work =
        format!("frame = pd.read_csv(\"../input/data-{index}.csv\")\nprint(frame.head({}))\n", dice.below(9));
    match flavour.shape {
        Shape::Lists => notebook(&magics(&imports, &work), "python3", "python", true),
        Shape::Texts => notebook(&magics(&imports, &work), "python3", "python", false),
        Shape::BrokenCell => {
            let mut cells = magics(&imports, &work);
            cells.insert(1, "import xgboost as xgb\nfor row in frame\n    print(row".into());
            cells.push(" import scipy.stats as st".into());
            notebook(&cells, "python3", "python", true)
        }
        Shape::TwoDocuments => {
            let first = notebook(&magics(&imports, &work), "python3", "python", true);
            format!("{first}\n{}", notebook(&["import requests\n".into()], "python3", "python", true))
        }
        Shape::Worksheets => json!({
            "metadata": {"name": "old"}, "nbformat": 3, "nbformat_minor": 0,
            "worksheets": [{"metadata": {}, "cells": [
                {"cell_type": "code", "language": "python", "input": lines(&imports), "outputs": [], "collapsed": false},
            ]}],
        })
        .to_string(),
        Shape::RNotebook => {
            let cells = ["library(ggplot2)\nsuppressPackageStartupMessages(library(\"dplyr\"))", "readr::read_csv('a.csv')"];
            notebook(&cells.map(String::from), "ir", "R", true)
        }
        Shape::JuliaNotebook => notebook(&["using DataFrames, CSV\n".into()], "julia-1.9", "julia", true),
        Shape::Plain => format!("# {index}\n{imports}\n\n{work}"),
        Shape::Python2 => format!("{imports}\nimport urllib2\nprint \"rows:\", 3\nexec \"x = 1\"\nif x <> 2: print `x`\n"),
        Shape::Converted => format!(
            "{imports}\nget_ipython().run_cell_magic('time', '', 'import catboost\\nprint(1)\\n')\n\
             get_ipython().system('pip install -q pyarrow==1.0')\n{work}"
        ),
        Shape::R => "# library(notthis)\nlibrary(data.table)\nrequire('caret')\nx <- lapply(c(\"MASS\", \"nnet\"), library, \
                     character.only = TRUE)\nstringr::str_trim(\" a \")\n"
            .into(),
        Shape::Rmd => "---\ntitle: \"Report\"\noutput: bookdown::html_document2\n---\n\n```{r setup}\nlibrary(knitr)\n```\n\n\
                       ```{r, eval=FALSE}\nlibrary(forecast)\n```\n\n```{python}\nimport numpy\n```\n\n`r scales::percent(1)`\r\n"
            .into(),
        Shape::Sql => "SELECT id, COUNT(*) FROM rows GROUP BY id;\n".into(),
        Shape::Julia => "using CSV, Statistics\nimport Random: seed!\nprintln(1)\n".into(),
    }
}

fn magics(imports: &str, work: &str) -> Vec<String> {
    vec![
        format!(
            "!pip install -q \"tqdm>=4\" lxml==5.0\n%load_ext autoreload\n%matplotlib inline\n{imports}\n"
        ),
        format!("%%time\nfrom collections import Counter\n{work}"),
        "%%bash\nls -la ../input\nimport nothing\n".into(),
        "files = !ls\nframe?\ntext = \"\"\"\nimport inside_a_text\n\"\"\"\n".into(),
    ]
}

fn lines(text: &str) -> Vec<String> {
    text.split_inclusive('\n').map(String::from).collect()
}

fn notebook(cells: &[String], kernel: &str, language: &str, listed: bool) -> String {
    let text = |text: &str| -> Value { if listed { lines(text).into() } else { text.into() } };
    let code = cells.iter().enumerate().map(|(number, cell)| {
        json!({
            "cell_type": "code", "execution_count": number, "metadata": {"trusted": true}, "source": text(cell),
            "outputs": [{"output_type": "stream", "name": "stdout", "text": text("1\n")}],
        })
    });
    let head =
        json!({"cell_type": "markdown", "metadata": {}, "source": text("# Reading\nimport this is prose\n")});
    json!({
        "cells": std::iter::once(head).chain(code).collect::<Vec<_>>(),
        "metadata": {
            "kernelspec": {"name": kernel, "display_name": kernel, "language": language},
            "language_info": {"name": language},
        },
        "nbformat": 4,
        "nbformat_minor": 4,
    })
    .to_string()
}
