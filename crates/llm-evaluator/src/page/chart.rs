//! Charts: plots as SVG inside the page. Only numbers of ours go into them.

use maud::{Markup, html};

use crate::calibration::Calibration;
use crate::compare::Difference;
use crate::distil::Step;
use crate::sweep::{Point, Sweep};

/// The plot's inside, in units of the picture.
const LEFT: f64 = 44.0;
const TOP: f64 = 14.0;
const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 240.0;

/// Where a point of the unit square lies.
fn at(across: f64, up: f64) -> (f64, f64) {
    (LEFT + across * WIDTH, TOP + (1.0 - up) * HEIGHT)
}

/// A length as the picture has it: tenths can be told apart, no more.
fn length(length: f64) -> String {
    format!("{length:.1}")
}

/// A bar from 0 to 1 as wide as it may be; an undefined one is an empty rail.
pub(super) fn bar(value: Option<f64>, class: &str) -> Markup {
    html! {
        svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
            rect.rail width="100" height="10" {}
            @if let Some(value) = value { rect class=(class) width=(format!("{:.2}", value * 100.0)) height="10" {} }
        }
    }
}

/// What all plots have: the grid, the scales and their names.
struct Frame<'a> {
    title: &'a str,
    across: &'a str,
    up: &'a str,
    /// Where a tick stands on the scale across, and its name.
    ticks: Vec<(f64, String)>,
}

impl Frame<'_> {
    fn around(&self, inside: &Markup) -> Markup {
        let steps = (0..=5).map(|step| f64::from(step) / 5.0);
        let grid: String = steps
            .clone()
            .map(|up| {
                let (x, y) = at(0.0, up);
                format!("M{x:.1} {y:.1}h{WIDTH}")
            })
            .collect();
        let (middle, bottom) = at(0.5, 0.0);
        let turned = format!("translate(11 {:.1}) rotate(-90)", TOP + HEIGHT / 2.0);
        html! {
            svg.plot viewBox="0 0 500 302" role="img" aria-label=(self.title) {
                path.grid d=(grid) {}
                @for up in steps {
                    @let (x, y) = at(0.0, up);
                    text.end x=(length(x - 7.0)) y=(length(y + 4.0)) { (length(up)) }
                }
                @for (place, name) in &self.ticks {
                    @let (x, y) = at(*place, 0.0);
                    text.mid x=(length(x)) y=(length(y + 18.0)) { (name) }
                }
                text.mid x=(length(middle)) y=(length(bottom + 40.0)) { (self.across) }
                text.mid transform=(turned) { (self.up) }
                (inside)
            }
        }
    }
}

/// Ticks from 0 to 1.
fn fifths(name: impl Fn(u32) -> String) -> Vec<(f64, String)> {
    (0..=5).map(|step| (f64::from(step) / 5.0, name(step))).collect()
}

/// A curve through points; it breaks off where there is none.
fn curve(class: &str, points: &[Option<(f64, f64)>]) -> Markup {
    html! { path class=(class) d=(drawn(points)) {} }
}

/// Confidence against the share that is right, with a bar for how many answers each bin has.
pub(super) fn reliability(calibration: &Calibration) -> Markup {
    let most = calibration.bins.iter().map(|bin| bin.answers).max().unwrap_or(0).max(1) as f64;
    let count = calibration.bins.len() as f64;
    let places = || calibration.bins.iter().enumerate();
    let dots: Vec<_> = places()
        .filter_map(|(place, bin)| {
            let right = bin.right?;
            Some((bin, right, at(bin.confidence.unwrap_or((place as f64 + 0.5) / count), right)))
        })
        .collect();
    let numbers = calibration.brier.is_some();
    let (from, to) = (at(0.0, 0.0), at(1.0, 1.0));
    let inside = html! {
        @for (place, bin) in places() {
            @let (x, y) = at(place as f64 / count, bin.answers as f64 / most * 0.35);
            rect.count x=(length(x + 3.0)) y=(length(y)) width=(length(WIDTH / count - 6.0)) height=(length(TOP + HEIGHT - y)) {
                title { (bin.answers) " answers" }
            }
        }
        @if numbers {
            (curve("ideal", &[Some(from), Some(to)]))
            (curve("two", &dots.iter().map(|(_, _, dot)| Some(*dot)).collect::<Vec<_>>()))
        }
        @for (bin, right, (x, y)) in &dots {
            circle.two cx=(length(*x)) cy=(length(*y)) r=(length(2.0 + 4.0 * (bin.answers as f64 / most).sqrt())) {
                title { (format!("{right:.3}")) " right of " (bin.answers) }
            }
        }
    };
    let (across, ticks) = match numbers {
        true => ("confidence", fifths(|step| length(f64::from(step) / 5.0))),
        false => ("confidence, in the order of the table", Vec::new()),
    };
    Frame { title: "reliability diagram", across, up: "share right", ticks }.around(&inside)
}

/// Precision, recall, F1 and the share that is kept, over the threshold.
pub(super) fn thresholds(sweep: &Sweep) -> Markup {
    let (Some(first), Some(last)) = (sweep.points.first(), sweep.points.last()) else {
        return Markup::default();
    };
    let (low, high) = (first.threshold, last.threshold);
    let place = |threshold: f64| (threshold - low) / (high - low).max(f64::MIN_POSITIVE);
    let figures = |class: &str, figure: fn(&Point) -> Option<f64>| {
        let point = |point: &Point| figure(point).map(|figure| at(place(point.threshold), figure));
        curve(class, &sweep.points.iter().map(point).collect::<Vec<_>>())
    };
    let inside = html! {
        (figures("share", |point| point.share))
        (figures("one", |point| point.precision))
        (figures("two", |point| point.recall))
        (figures("three", |point| point.f1))
    };
    let every = ((sweep.points.len() - 1) / 5).max(1);
    let digits = usize::from(high <= 1.0);
    let tick = |point: &Point| (place(point.threshold), format!("{:.digits$}", point.threshold));
    let ticks = sweep.points.iter().step_by(every).map(tick).collect();
    let across = format!("least {}", sweep.by);
    Frame { title: "threshold curves", across: &across, up: "", ticks }.around(&inside)
}

/// F1 and agreement over the share of the money that is still spent.
pub(super) fn money(steps: &[Step]) -> Markup {
    let all = steps.iter().filter_map(|step| step.dollars).fold(0.0, f64::max);
    let spent = |step: &Step| match step.dollars {
        Some(dollars) if all > 0.0 => Some(dollars / all),
        _ => step.spared.map(|spared| 1.0 - spared),
    };
    let figures = |class: &str, figure: fn(&Step) -> Option<f64>| {
        let points: Vec<_> = steps.iter().map(|step| Some(at(spent(step)?, figure(step)?))).collect();
        curve(class, &points)
    };
    let inside = html! {
        (figures("one", |step| step.f1.value))
        (figures("two", |step| step.agreement.precision))
    };
    let ticks = fifths(|step| (20 * step).to_string());
    Frame { title: "money against F1", across: "percent of the model's cost", up: "", ticks }.around(&inside)
}

/// The interval of a difference on a line from -1 to 1, or as far as it reaches.
pub(super) fn interval(difference: &Difference, reach: f64) -> Markup {
    let place = |value: f64| 50.0 + value / reach * 46.0;
    let (Some(low), Some(high), Some(middle)) = (difference.low, difference.high, difference.difference)
    else {
        return Markup::default();
    };
    let (left, wide) = (place(low), (place(high) - place(low)).max(0.3));
    html! {
        svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
            rect.rail y="4.2" width="100" height="1.6" {}
            rect.one x=(format!("{left:.2}")) y="3" width=(format!("{wide:.2}")) height="4" {}
            rect.two x=(format!("{:.2}", place(middle) - 0.5)) width="1" height="10" {}
            rect.three x="49.8" width=".4" height="10" {}
        }
    }
}

/// What draws such a curve.
fn drawn(points: &[Option<(f64, f64)>]) -> String {
    let mut path = String::new();
    let mut pen_down = false;
    for point in points {
        match point {
            Some((x, y)) => {
                path.push_str(&format!("{}{x:.1} {y:.1}", if pen_down { 'L' } else { 'M' }));
                pen_down = true;
            }
            None => pen_down = false,
        }
    }
    path
}
