//! Python: statements, calls, magics, mistakes.

use crate::desk::{cells, flagged, lib, named};

#[test]
fn names_are_distinct_and_in_order_with_the_standard_library() {
    let got = named(
        "import os, numpy as np\nfrom sklearn.svm import SVC\nimport numpy.linalg\nimport cv2\n",
        "a.py",
    );
    assert_eq!(got.imported_libs, ["os", "numpy", "sklearn", "cv2"]);
    assert_eq!(lib(&got, "numpy").modules, ["numpy", "numpy.linalg"]);
    assert_eq!(lib(&got, "sklearn").packages, ["scikit-learn"]);
    assert_eq!(lib(&got, "cv2").packages, ["opencv-python"]);
    flagged(&got, |lib| lib.stdlib, &["os"]);
    assert!(got.warnings.is_empty(), "{got:?}");
}

#[test]
fn a_namespace_leads_to_the_distributions_of_its_members() {
    let got = named(
        "from google.cloud import bigquery, storage\nimport google.protobuf\nfrom foo import bar",
        "a.py",
    );
    assert_eq!(lib(&got, "google").packages, ["google-cloud-bigquery", "google-cloud-storage", "protobuf"]);
    assert!(lib(&got, "foo").packages.is_empty(), "an unknown name has no distribution");
}

#[test]
fn relative_imports_are_no_libraries_and_nested_ones_are() {
    let source =
        "from . import a\nfrom .b import c\nfrom ..d import e\ndef f():\n    if x:\n        import pandas\n";
    assert_eq!(named(source, "a.py").imported_libs, ["pandas"]);
}

#[test]
fn words_in_strings_and_comments_are_no_imports() {
    let source = "\"\"\"\nimport a\n\"\"\"\n# import b\nx = 'import c'\ny = '''\nfrom d import e\n'''\n";
    assert_eq!(named(source, "a.py").imported_libs, [""; 0]);
}

#[test]
fn optional_imports_are_flagged() {
    let source = "try:\n    import cudf as pd\nexcept ImportError:\n    import pandas as pd\n\
                  try:\n    import seen\nexcept ValueError:\n    pass\nimport torch\ntry:\n    import torch\nexcept: pass\n";
    flagged(&named(source, "a.py"), |lib| lib.optional, &["cudf", "pandas"]);
}

#[test]
fn imports_for_types_only_are_not_evaluated() {
    let got = named(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import heavy\nelse:\n    import light",
        "a.py",
    );
    flagged(&got, |lib| lib.unevaluated, &["heavy"]);
    assert_eq!(got.imported_libs, ["typing", "heavy", "light"]);
}

#[test]
fn dynamic_imports_of_literals_are_found_wherever_they_stand() {
    let source = "import importlib\nfrom importlib import import_module as load\nm = __import__('torch.nn')\n\
                  k = [importlib.import_module(name='keras.layers')]\nload(\"xgboost\").fit()\n\
                  importlib.import_module('.relative', 'pkg')\n__import__(variable)\n__import__('not a name')\n\
                  if importlib.util.find_spec('maybe'): pass\nexec('import hidden')\nf\"{__import__('inner')}\"\n";
    let got = named(source, "a.py");
    flagged(&got, |lib| lib.dynamic, &["torch", "keras", "xgboost", "maybe", "inner"]);
    flagged(&got, |lib| lib.optional, &["maybe"]);
}

#[test]
fn r_packages_of_rpy2_are_told_apart() {
    let got = cells(&[
        "from rpy2.robjects.packages import importr\nbase = importr('ggplot2')",
        "%%R -i df\nlibrary(dplyr)",
    ]);
    assert_eq!(got.imported_libs, ["rpy2"]);
    flagged(&got, |lib| lib.language == "r", &["ggplot2", "dplyr"]);
    assert_eq!(got.cell_magics, ["R"]);
}

#[test]
fn magics_and_shell_lines_are_read_and_do_not_disturb() {
    let got = cells(&[
        "%load_ext autoreload\n%autoreload 2\n%matplotlib inline\nimport a\n!ls -la\nfiles = !ls\nb = %timeit -o 1\nimport c\nc?\n?d\n%reload_ext lab_black",
        "%%time\nimport e",
        "\n\n%%capture out\n%%timeit -n 1\nimport f",
        "%%bash\nimport g\npip install shellpkg",
        "%%html\n<script>import h</script>",
        "%time import i",
        "%timeit import j; j.k()",
        "%%unknown_of_an_extension\nimport l",
        "%%another\nno python here\nimport m",
        "%pylab inline",
    ]);
    assert_eq!(got.imported_libs, ["a", "c", "e", "f", "i", "j", "l"]);
    assert_eq!(got.load_ext, ["autoreload", "lab_black"]);
    assert_eq!(
        got.cell_magics,
        ["time", "capture", "timeit", "bash", "html", "unknown_of_an_extension", "another"]
    );
    assert_eq!(got.pip_install_lines, ["shellpkg"]);
    flagged(&got, |lib| lib.implied, &["numpy", "matplotlib"]);
    assert_eq!(got.warnings, ["cell 9: below %%another is no Python; it was not read"]);
}

#[test]
fn magics_in_strings_and_brackets_are_data() {
    let got = cells(&["s = '''\n!pip install a\n%load_ext b\n'''\nx = [1\n  % 2]\n# !pip install c"]);
    assert!(
        got.pip_install_lines.is_empty() && got.load_ext.is_empty() && got.warnings.is_empty(),
        "{got:?}"
    );
}

#[test]
fn install_lines_are_kept_as_they_stand() {
    let got = cells(&["!pip install -q a==1.0 \"b[x]>=2\" > /dev/null\n%pip install c\n!pip3 install d\n\
         !python -m pip install e\n!{sys.executable} -m pip install f\n!cd x && pip install -e . ; echo pip install no\n\
         !conda install -y -c conda-forge g\n!pip -q install h\n!sudo apt-get install i\n!pip uninstall -y j\n\
         !pip install \\\n   k\nif True:\n    ! pip install  l \n!echo 'x; pip install m'\npip_install = 1"]);
    assert_eq!(
        got.pip_install_lines,
        [
            "-q a==1.0 \"b[x]>=2\" > /dev/null",
            "c",
            "d",
            "e",
            "f",
            "-e .",
            "-y -c conda-forge g",
            "h",
            "k",
            "l"
        ]
    );
}

#[test]
fn converted_notebooks_hold_their_cells_in_strings() {
    let source = "get_ipython().system('pip install a')\nget_ipython().run_line_magic('load_ext', 'b')\n\
                  get_ipython().magic('load_ext c')\nget_ipython().run_line_magic('pip', 'install d')\n\
                  get_ipython().run_cell_magic('time', '', 'import e\\nget_ipython().run_cell_magic(\"capture\", \"\", \"import f\")\\n')\n\
                  get_ipython().run_cell_magic('bash', '', 'pip install g\\n')\nx = get_ipython().getoutput('pip install h')\n\
                  get_ipython().run_cell_magic('R', '', 'library(i)')\n";
    let got = named(source, "a.py");
    assert_eq!(got.pip_install_lines, ["a", "d", "g", "h"]);
    assert_eq!(got.load_ext, ["b", "c"]);
    assert_eq!(got.imported_libs, ["e", "f"]);
    assert_eq!(got.cell_magics, ["time", "capture", "bash", "R"]);
    flagged(&got, |lib| lib.language == "r", &["i"]);
}

#[test]
fn what_a_cell_writes_into_a_file_is_told_apart() {
    let got = cells(&[
        "%%writefile -a helper.py\nimport torch, os",
        "import helper, learntools, os",
        "%%writefile x.txt\nimport no",
    ]);
    assert_eq!(got.imported_libs, ["os", "helper", "learntools"]);
    flagged(&got, |lib| lib.written, &["torch"]);
    flagged(&got, |lib| lib.local, &["helper", "learntools"]);
}

#[test]
fn a_cell_may_begin_with_an_indent() {
    let got = cells(&[
        "\n  import a\n  if a:\n      import b\n",
        " try:\n    import c\n except ImportError:\n    pass",
    ]);
    assert_eq!(got.imported_libs, ["a", "b", "c"]);
    assert!(got.warnings.is_empty(), "{got:?}");
}

#[test]
fn python_2_is_read_statement_by_statement() {
    let source = "#!/usr/bin/env python2\nimport urllib2, numpy\nfrom sklearn import svm\nprint \"import no\"\n\
                  try:\n    import cPickle as pickle\nexcept ImportError, e:\n    import pickle\n\
                  exec \"import never\"\nif x <> 0777: import pandas; import scipy\nraise E, 'import b'\n\
                  m = __import__('xgboost'); print `m`\n";
    let got = named(source, "old.py");
    assert_eq!(
        got.imported_libs,
        ["urllib2", "numpy", "sklearn", "cPickle", "pickle", "pandas", "scipy", "xgboost"]
    );
    flagged(&got, |lib| lib.stdlib, &["urllib2", "cPickle", "pickle"]);
    flagged(&got, |lib| lib.optional, &["cPickle", "pickle"]);
    flagged(&got, |lib| lib.dynamic, &["xgboost"]);
    assert!(got.warnings[0].contains("Python 2"), "{got:?}");
}

#[test]
fn a_broken_cell_loses_neither_itself_nor_the_others() {
    let got = cells(&[
        "import a",
        "import b\nx = foo(1,\nimport c\nfrom d import (e,\n   f)\ny = = 2\nimport g as h, i.j\nfor\n!pip install k\npip install l",
        "Please import the data first\nimport the data first\nfrom the start import everything that counts\n\"\"\"open\nimport m",
        "import n",
    ]);
    assert_eq!(got.imported_libs, ["a", "b", "c", "d", "g", "i", "m", "n"]);
    assert_eq!(got.pip_install_lines, ["k", "l"]);
    assert_eq!(got.warnings.len(), 2, "{got:?}");
    assert!(got.warnings[1].starts_with("cell 3: not valid Python (line 1: "), "{got:?}");
    assert!(got.warnings[0].starts_with("cell 2: too large, nested too deep, or its brackets"), "{got:?}");
}

#[test]
fn a_broken_cell_keeps_strings_comments_and_continuations_apart() {
    let source = "print 'a'\ns = '''\nimport no\n'''\n# import no2\nt = \"import no3\"\nimport \\\n    yes\nx = (1,\n  'from no4 import z',\n)\nfrom ok import (a,  # import no5\n    b)\n";
    assert_eq!(named(source, "a.py").imported_libs, ["yes", "ok"]);
}
