//! Calls in R by which packages are loaded, asked for or installed.

use tree_sitter::Node;

use super::r::Walk;
use super::{Flags, glue};

/// Functions that take a package's name as it stands, or as a string.
pub(super) const LOADERS: [&str; 3] = ["library", "require", "p_library"];
/// Functions that take strings.
const BY_STRING: [&str; 7] = [
    "requireNamespace",
    "loadNamespace",
    "attachNamespace",
    "check_installed",
    "is_installed",
    "citation",
    "find.package",
];
/// Functions that apply another one to each element.
const APPLIERS: [&str; 8] = ["lapply", "sapply", "vapply", "map", "walk", "Map", "map_lgl", "mclapply"];
/// Arguments beyond these are not looked at.
const MAX_ARGUMENTS: usize = 500;
/// Engines of `set_engine()` and the packages that they want.
const ENGINES: [(&str, &str); 14] = [
    ("glmnet", "glmnet"),
    ("ranger", "ranger"),
    ("xgboost", "xgboost"),
    ("lightgbm", "lightgbm"),
    ("kknn", "kknn"),
    ("keras", "keras"),
    ("kernlab", "kernlab"),
    ("randomForest", "randomForest"),
    ("earth", "earth"),
    ("nnet", "nnet"),
    ("rpart", "rpart"),
    ("C5.0", "C50"),
    ("spark", "sparklyr"),
    ("stan", "rstanarm"),
];

struct Argument<'t> {
    name: Option<&'t str>,
    value: Option<Node<'t>>,
}

struct Call<'t> {
    owner: Option<&'t str>,
    name: &'t str,
    arguments: Vec<Argument<'t>>,
}

impl<'t> Call<'t> {
    fn of<'a: 't>(walk: &Walk<'a, '_>, node: Node<'t>) -> Option<Self> {
        let function = node.child_by_field_name("function")?;
        let (owner, name) = if function.kind() == "namespace_operator" {
            let part = |field| function.child_by_field_name(field).and_then(|part| walk.name(part));
            (part("lhs"), part("rhs")?)
        } else {
            (None, walk.name(function)?)
        };
        let list = node.child_by_field_name("arguments")?;
        let mut cursor = list.walk();
        let arguments = list.children_by_field_name("argument", &mut cursor).take(MAX_ARGUMENTS);
        let arguments = arguments.map(|argument| Argument {
            name: argument.child_by_field_name("name").and_then(|name| walk.name(name)),
            value: argument.child_by_field_name("value"),
        });
        Some(Call { owner, name, arguments: arguments.collect() })
    }

    fn named(&self, name: &str) -> Option<Node<'t>> {
        self.arguments.iter().find(|argument| argument.name == Some(name)).and_then(|argument| argument.value)
    }

    fn unnamed(&self) -> impl Iterator<Item = Node<'t>> {
        self.arguments.iter().filter(|argument| argument.name.is_none()).filter_map(|argument| argument.value)
    }

    /// The argument of this name, else the first without one.
    fn first(&self, name: &str) -> Option<Node<'t>> {
        self.named(name).or_else(|| self.unnamed().next())
    }

    fn says(&self, walk: &Walk<'_, '_>, name: &str) -> bool {
        self.named(name).is_some_and(|value| matches!(walk.text(value), "TRUE" | "T"))
    }
}

pub(super) fn call(walk: &mut Walk<'_, '_>, node: Node<'_>) {
    let Some(call) = Call::of(walk, node) else { return };
    if let Some(owner) = call.owner {
        walk.found.r(owner, walk.flags);
    }
    let inferred = Flags { inferred: true, ..walk.flags };
    let implied = Flags { implied: true, ..walk.flags };
    match call.name {
        "library" | "require" | "p_library" => {
            let by_value = call.says(walk, "character.only");
            if let Some(package) = call.first("package") {
                load(walk, package, by_value);
            }
        }
        name if BY_STRING.contains(&name) => {
            let argument = if matches!(name, "check_installed" | "is_installed") { "pkg" } else { "package" };
            let optional = name == "requireNamespace" || name == "is_installed" || walk.flags.optional;
            if let Some(package) = call.first(argument) {
                strings(walk, package, Flags { optional, ..walk.flags });
            }
        }
        "pkg_attach" | "pkg_attach2" | "pkg_load" | "pkg_load2" => {
            call.unnamed().for_each(|package| strings(walk, package, walk.flags));
        }
        "p_load" | "p_load_gh" => pacman(walk, &call),
        "use" if call.owner.is_none_or(|owner| owner == "base") => {
            if let Some(package) = call.first("package").and_then(|node| walk.literal(node)) {
                walk.found.r(package, walk.flags);
            }
        }
        "use" if call.owner == Some("renv") => {
            for argument in &call.arguments {
                let value = argument.value.and_then(|value| walk.literal(value));
                let plain = value.and_then(|value| value.split('@').next());
                if let Some(package) = argument.name.or(plain) {
                    walk.found.r(package, walk.flags);
                }
            }
        }
        "use" if call.owner == Some("box") => boxed(walk, &call),
        "from" | "here" | "into" if call.owner == Some("import") => import(walk, &call),
        "import" if call.owner == Some("modules") => module_import(walk, &call),
        "module" if call.owner.is_none_or(|owner| owner == "modules") => module(walk, &call),
        "system.file" | "data" | "packageVersion" | "vignette" => {
            let named = call.named(if call.name == "packageVersion" { "pkg" } else { "package" });
            let package = named.or_else(|| call.unnamed().next().filter(|_| call.name == "packageVersion"));
            if let Some(package) = package {
                strings(walk, package, inferred);
            }
        }
        "tar_option_set" => {
            if let Some(packages) = call.named("packages") {
                strings(walk, packages, walk.flags);
                walk.found.r("targets", implied);
            }
        }
        "set_engine" => {
            let engine = call.named("engine").or_else(|| call.unnamed().find(|node| node.kind() == "string"));
            let engine = engine.and_then(|engine| walk.literal(engine));
            if let Some((_, package)) = ENGINES.iter().find(|(known, _)| Some(*known) == engine) {
                walk.found.r(package, implied);
            }
        }
        "geom_hex" | "stat_binhex" => walk.found.r("hexbin", implied),
        "glue" | "str_glue" | "glue_data" | "glue_sql" => glued(walk, &call),
        "install.packages" | "install" | "biocLite" | "install_github" | "install_version"
        | "install_cran" | "install_gitlab" | "install_bioc" | "pkg_install" | "install_url" => {
            install(walk, &call);
        }
        name if APPLIERS.contains(&name) => apply(walk, &call, inferred),
        _ => {}
    }
}

/// `library(x)`: the name as it stands, or what the name holds.
fn load(walk: &mut Walk<'_, '_>, package: Node<'_>, by_value: bool) {
    if by_value || package.kind() != "identifier" {
        strings(walk, package, walk.flags);
    } else if let Some(name) = walk.name(package) {
        walk.found.r(name, walk.flags);
    }
}

/// The literal, or what is known of a constant; the latter is flagged as inferred.
fn strings(walk: &mut Walk<'_, '_>, node: Node<'_>, flags: Flags) {
    let direct = node.kind() == "string" || node.kind() == "call";
    let flags = Flags { inferred: flags.inferred || !direct, ..flags };
    for package in walk.values.of(node, walk.source).unwrap_or_default() {
        walk.found.r(&package, flags);
    }
}

/// `lapply(pkgs, library, character.only = TRUE)`, `sapply(pkgs, function(p) require(p, ...))`.
fn apply(walk: &mut Walk<'_, '_>, call: &Call<'_>, flags: Flags) {
    let mut unnamed = call.unnamed();
    let vector = ["X", ".x", "x"].iter().find_map(|name| call.named(name)).or_else(|| unnamed.next());
    let function = ["FUN", ".f", "f"].iter().find_map(|name| call.named(name)).or_else(|| unnamed.next());
    let (Some(vector), Some(function)) = (vector, function) else { return };
    let loads = |walk: &Walk<'_, '_>, node| {
        let name = walk.name(node);
        name.is_some_and(|name| LOADERS.contains(&name) || BY_STRING[..3].contains(&name))
    };
    // `Map(library, pkgs)` has it the other way round.
    let (vector, function) = if loads(walk, vector) { (function, vector) } else { (vector, function) };
    let Some(values) = walk.values.of(vector, walk.source) else { return };
    if loads(walk, function) {
        values.iter().for_each(|package| walk.found.r(package, flags));
    } else if function.kind() == "function_definition" {
        // Its body comes later: there its parameter is one of these values.
        let parameters = function.child_by_field_name("parameters");
        let parameter = parameters.and_then(|list| list.child_by_field_name("parameter"));
        if let Some(name) =
            parameter.and_then(|one| one.child_by_field_name("name")).and_then(|n| walk.name(n))
        {
            walk.values.set(name, values);
        }
    }
}

fn pacman(walk: &mut Walk<'_, '_>, call: &Call<'_>) {
    let by_value = call.says(walk, "character.only");
    for package in call.unnamed() {
        if package.kind() == "string" && call.name == "p_load_gh" {
            let name = walk.literal(package).and_then(|path| path.rsplit('/').next());
            name.into_iter().for_each(|name| walk.found.r(name, walk.flags));
        } else {
            load(walk, package, by_value);
        }
    }
    if let Some(packages) = call.named("char") {
        strings(walk, packages, walk.flags);
    }
}

/// `box::use(a, b = c, d[f, g])`; a path (`e/f`, `./g`) is a module, not a package.
fn boxed(walk: &mut Walk<'_, '_>, call: &Call<'_>) {
    for argument in &call.arguments {
        let Some(mut value) = argument.value else { continue };
        if value.kind() == "subset" {
            let Some(function) = value.child_by_field_name("function") else { continue };
            value = function;
        }
        if value.kind() == "identifier"
            && let Some(name) = walk.name(value)
        {
            walk.found.r(name, walk.flags);
        }
    }
}

/// `import::from(pkg, ...)`, `import::here(..., .from = pkg)`.
fn import(walk: &mut Walk<'_, '_>, call: &Call<'_>) {
    let positional = || call.unnamed().next().filter(|_| call.name == "from");
    let Some(package) = call.named(".from").or_else(positional) else { return };
    let by_value = call.says(walk, ".character_only");
    load(walk, package, by_value);
}

/// `import("x")`, `import(symbol, from = x)` of the package modules.
fn module_import(walk: &mut Walk<'_, '_>, call: &Call<'_>) {
    if let Some(name) = call.first("from").and_then(|package| walk.name(package)) {
        walk.found.r(name, walk.flags);
    }
}

fn module(walk: &mut Walk<'_, '_>, call: &Call<'_>) {
    let Some(block) = call.unnamed().next().filter(|node| node.kind() == "braced_expression") else { return };
    let mut cursor = block.walk();
    for statement in block.named_children(&mut cursor).filter(|node| node.kind() == "call") {
        if let Some(inner) = Call::of(walk, statement)
            && inner.name == "import"
            && inner.owner.is_none()
        {
            module_import(walk, &inner);
            walk.found.r("modules", Flags { implied: true, ..walk.flags });
        }
    }
}

fn glued(walk: &mut Walk<'_, '_>, call: &Call<'_>) {
    let mark = |name, default| call.named(name).and_then(|node| walk.literal(node)).unwrap_or(default);
    let (open, close) = (mark(".open", "{"), mark(".close", "}"));
    for node in call.unnamed() {
        let fragments = walk.literal(node).map(|template| glue::fragments(template, open, close));
        fragments.into_iter().flatten().for_each(|code| walk.within(code));
    }
}

fn install(walk: &mut Walk<'_, '_>, call: &Call<'_>) {
    // A bare `install` is many things; those of package managers are meant.
    let managers = ["BiocManager", "remotes", "devtools", "renv", "pak"];
    if call.name == "install" && !call.owner.is_some_and(|owner| managers.contains(&owner)) {
        return;
    }
    let named = ["pkgs", "pkg", "repo", "package", "url"].iter().find_map(|name| call.named(name));
    let values = named.or_else(|| call.unnamed().next()).and_then(|node| walk.values.of(node, walk.source));
    values.unwrap_or_default().iter().for_each(|package| walk.found.install(package));
}
