//! Charts: plots as SVG inside the page. Only numbers of ours go into them.

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

/// A bar from 0 to 1 as wide as it may be; an undefined one is an empty rail.
pub(super) fn bar(value: Option<f64>, class: &str) -> String {
    let filled = value.map_or(String::new(), |value| {
        format!("<rect class=\"{class}\" width=\"{:.2}\" height=\"10\"/>", value * 100.0)
    });
    format!(
        "<svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect class=\"rail\" width=\"100\" \
         height=\"10\"/>{filled}</svg>"
    )
}

fn frame(title: &str, across: &str, up: &str, ticks: &[(f64, String)], inside: &str) -> String {
    let mut grid = String::new();
    let mut words = String::new();
    for step in 0..=5 {
        let up = f64::from(step) / 5.0;
        let (x, y) = at(0.0, up);
        grid.push_str(&format!("M{x:.1} {y:.1}h{WIDTH}"));
        words.push_str(&format!(
            "<text class=\"end\" x=\"{:.1}\" y=\"{:.1}\">{up:.1}</text>",
            x - 7.0,
            y + 4.0
        ));
    }
    for (place, name) in ticks {
        let (x, y) = at(*place, 0.0);
        words.push_str(&format!("<text class=\"mid\" x=\"{x:.1}\" y=\"{:.1}\">{name}</text>", y + 18.0));
    }
    let (middle, bottom) = at(0.5, 0.0);
    format!(
        "<svg class=\"plot\" viewBox=\"0 0 500 302\" role=\"img\" aria-label=\"{title}\"><path class=\"grid\" d=\"{grid}\"/>\
         {words}<text class=\"mid\" x=\"{middle:.1}\" y=\"{:.1}\">{across}</text><text class=\"mid\" transform=\"translate(11 \
         {:.1}) rotate(-90)\">{up}</text>{inside}</svg>",
        bottom + 40.0,
        TOP + HEIGHT / 2.0
    )
}

/// Confidence against the share that is right, with a bar for how many answers each bin has.
pub(super) fn reliability(calibration: &Calibration) -> String {
    let most = calibration.bins.iter().map(|bin| bin.answers).max().unwrap_or(0).max(1) as f64;
    let count = calibration.bins.len() as f64;
    let (mut bars, mut dots) = (String::new(), String::new());
    let mut line = Vec::new();
    for (place, bin) in calibration.bins.iter().enumerate() {
        let (x, y) = at(place as f64 / count, bin.answers as f64 / most * 0.35);
        bars.push_str(&format!(
            "<rect class=\"count\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{} answers</title></rect>",
            x + 3.0,
            WIDTH / count - 6.0,
            TOP + HEIGHT - y,
            bin.answers
        ));
        let across = bin.confidence.unwrap_or((place as f64 + 0.5) / count);
        if let Some(right) = bin.right {
            let (x, y) = at(across, right);
            line.push(Some((x, y)));
            dots.push_str(&format!(
                "<circle class=\"two\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{:.1}\"><title>{right:.3} right of {}</title></circle>",
                2.0 + 4.0 * (bin.answers as f64 / most).sqrt(),
                bin.answers
            ));
        }
    }
    let ((x, y), (to_x, to_y)) = (at(0.0, 0.0), at(1.0, 1.0));
    let numbers = calibration.brier.is_some();
    let ideal = format!("<path class=\"ideal\" d=\"M{x:.1} {y:.1}L{to_x:.1} {to_y:.1}\"/>");
    let inside = match numbers {
        true => format!("{bars}{ideal}<path class=\"two\" d=\"{}\"/>{dots}", drawn(&line)),
        false => format!("{bars}{dots}"),
    };
    let ticks: Vec<(f64, String)> = match numbers {
        true => {
            (0..=5).map(|step| (f64::from(step) / 5.0, format!("{:.1}", f64::from(step) / 5.0))).collect()
        }
        false => Vec::new(),
    };
    let across = if numbers { "confidence" } else { "confidence, in the order of the table" };
    frame("reliability diagram", across, "share right", &ticks, &inside)
}

/// Precision, recall, F1 and the share that is kept, over the threshold.
pub(super) fn thresholds(sweep: &Sweep) -> String {
    let (Some(first), Some(last)) = (sweep.points.first(), sweep.points.last()) else { return String::new() };
    let (low, high) = (first.threshold, last.threshold);
    let place = |threshold: f64| (threshold - low) / (high - low).max(f64::MIN_POSITIVE);
    let curve = |class: &str, figure: fn(&Point) -> Option<f64>| {
        let points: Vec<_> = sweep
            .points
            .iter()
            .map(|point| figure(point).map(|figure| at(place(point.threshold), figure)))
            .collect();
        format!("<path class=\"{class}\" d=\"{}\"/>", drawn(&points))
    };
    let curves = [
        curve("share", |point| point.share),
        curve("one", |point| point.precision),
        curve("two", |point| point.recall),
        curve("three", |point| point.f1),
    ];
    let every = ((sweep.points.len() - 1) / 5).max(1);
    let digits = usize::from(high <= 1.0);
    let tick = |point: &Point| (place(point.threshold), format!("{:.digits$}", point.threshold));
    let ticks: Vec<_> = sweep.points.iter().step_by(every).map(tick).collect();
    frame("threshold curves", &format!("least {}", sweep.by), "", &ticks, &curves.concat())
}

/// F1 and agreement over the share of the money that is still spent.
pub(super) fn money(steps: &[Step]) -> String {
    let all = steps.iter().filter_map(|step| step.dollars).fold(0.0, f64::max);
    let spent = |step: &Step| match step.dollars {
        Some(dollars) if all > 0.0 => Some(dollars / all),
        _ => step.spared.map(|spared| 1.0 - spared),
    };
    let curve = |class: &str, figure: fn(&Step) -> Option<f64>| {
        let points: Vec<_> = steps.iter().map(|step| Some(at(spent(step)?, figure(step)?))).collect();
        format!("<path class=\"{class}\" d=\"{}\"/>", drawn(&points))
    };
    let curves = [curve("one", |step| step.f1.value), curve("two", |step| step.agreement.precision)];
    let ticks: Vec<_> = (0..=5).map(|step| (f64::from(step) / 5.0, format!("{}", 20 * step))).collect();
    frame("money against F1", "percent of the model's cost", "", &ticks, &curves.concat())
}

/// The interval of a difference on a line from -1 to 1, or as far as it reaches.
pub(super) fn interval(difference: &Difference, reach: f64) -> String {
    let place = |value: f64| 50.0 + value / reach * 46.0;
    let (Some(low), Some(high), Some(middle)) = (difference.low, difference.high, difference.difference)
    else {
        return String::new();
    };
    format!(
        "<svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect class=\"rail\" y=\"4.2\" \
         width=\"100\" height=\"1.6\"/><rect class=\"one\" x=\"{:.2}\" y=\"3\" width=\"{:.2}\" height=\"4\"/><rect class=\"two\" \
         x=\"{:.2}\" width=\"1\" height=\"10\"/><rect x=\"49.8\" width=\".4\" height=\"10\" class=\"three\"/></svg>",
        place(low),
        (place(high) - place(low)).max(0.3),
        place(middle) - 0.5
    )
}

/// A path through points; it breaks off where there is none.
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
