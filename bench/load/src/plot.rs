//! A small picture: what it costs when everybody in a room answers one task at once, over the number of people, beside
//! the law that it must stay below; bytes above, processor time below. All scales are logarithmic.

use std::fmt::Write as _;

const WIDTH: f64 = 640.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 610.0;
/// Height of one of the two pictures with its title and the numbers below it.
const HEIGHT: f64 = 400.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 350.0;

/// What was measured with so many people.
pub struct Point {
    /// How many.
    pub people: f64,
    /// Bytes of a whole task to everybody for each change.
    pub law: f64,
    /// Bytes and seconds of processor time, told whole tasks.
    pub whole: (f64, f64),
    /// The same, told differences.
    pub differences: (f64, f64),
}

/// One line of a picture: color, name, and a value for each number of people.
struct Line<'a> {
    color: &'static str,
    name: &'static str,
    value: Box<dyn Fn(&Point) -> f64 + 'a>,
}

/// Both pictures.
pub fn log_log(points: &[Point]) -> String {
    // What a byte costs where there are most of them is what the law's bytes would cost.
    let byte = points.last().map_or(0.0, |last| last.whole.1 / last.whole.0);
    let line = |color, name, value| Line { color, name, value };
    let bytes: [Line<'_>; 3] = [
        line("#c33", "whole task to everybody for each change", Box::new(|point: &Point| point.law)),
        line("#27c", "neerc, whole tasks", Box::new(|point: &Point| point.whole.0)),
        line("#283", "neerc, differences", Box::new(|point: &Point| point.differences.0)),
    ];
    let seconds: [Line<'_>; 3] = [
        line("#c33", "what the bytes of the law would take", Box::new(move |point: &Point| point.law * byte)),
        line("#27c", "neerc, whole tasks", Box::new(|point: &Point| point.whole.1)),
        line("#283", "neerc, differences", Box::new(|point: &Point| point.differences.1)),
    ];
    let mut out = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {}' font-family='sans-serif' font-size='12'>\n\
         <rect width='100%' height='100%' fill='white'/>\n",
        2.0 * HEIGHT
    );
    let title = "Everybody in a room answers one task at once: ";
    picture(&mut out, 0.0, &format!("{title}bytes told"), points, &bytes, |power| scaled(power, "B"));
    picture(&mut out, HEIGHT, &format!("{title}processor time"), points, &seconds, |power| scaled(power, "s"));
    out += "</svg>\n";
    out
}

/// A power of ten with a unit: `100 KB`, `10 ms`.
fn scaled(power: i32, unit: &str) -> String {
    let prefix = ["µ", "m", "", "K", "M", "G", "T"].get((power.div_euclid(3) + 2) as usize).copied();
    match prefix {
        Some(prefix) if unit == "B" || power < 3 => {
            format!("{} {prefix}{unit}", 10_i32.pow(power.rem_euclid(3) as u32))
        }
        _ => format!("{} {unit}", 10_i64.pow(power.unsigned_abs())),
    }
}

fn picture(
    out: &mut String,
    top: f64,
    title: &str,
    points: &[Point],
    lines: &[Line<'_>],
    label: impl Fn(i32) -> String,
) {
    let values = || lines.iter().flat_map(|line| points.iter().map(|point| (line.value)(point))).filter(|v| *v > 0.0);
    let most_x = points.iter().map(|point| point.people).fold(10.0, f64::max).log10();
    let most_y = values().fold(f64::NEG_INFINITY, f64::max).log10().ceil();
    let least_y = values().fold(f64::INFINITY, f64::min).log10().floor();
    let x = |value: f64| LEFT + (value.log10() - 1.0) / (most_x - 1.0).max(1.0) * (RIGHT - LEFT);
    let y = |value: f64| top + BOTTOM - (value.log10() - least_y) / (most_y - least_y).max(1.0) * (BOTTOM - TOP);
    let bottom = top + BOTTOM;
    let _ = writeln!(out, "<text x='{LEFT}' y='{}' font-size='14'>{title}</text>", top + 22.0);
    for power in least_y as i32..=most_y as i32 {
        let at = y(10_f64.powi(power));
        let _ = writeln!(out, "<path d='M{LEFT} {at:.1}H{RIGHT}' stroke='#ddd'/>");
        let _ = writeln!(out, "<text x='{}' y='{:.1}' text-anchor='end'>{}</text>", LEFT - 8.0, at + 4.0, label(power));
    }
    for point in points {
        let at = x(point.people);
        let _ = writeln!(out, "<path d='M{at:.1} {bottom}v5' stroke='black'/>");
        let _ = writeln!(out, "<text x='{at:.1}' y='{}' text-anchor='middle'>{}</text>", bottom + 18.0, point.people);
    }
    let _ =
        writeln!(out, "<text x='{}' y='{}' text-anchor='middle'>people in the room</text>", WIDTH / 2.0, bottom + 36.0);
    for (index, Line { color, name, value }) in lines.iter().enumerate() {
        let places: Vec<(f64, f64)> =
            points.iter().filter(|point| value(point) > 0.0).map(|point| (x(point.people), y(value(point)))).collect();
        let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(out, "<polyline points='{}' fill='none' stroke='{color}' stroke-width='2'/>", path.join(" "));
        for (x, y) in places {
            let _ = writeln!(out, "<circle cx='{x:.1}' cy='{y:.1}' r='3' fill='{color}'/>");
        }
        let at = top + TOP + 16.0 * (index + 1) as f64;
        let _ = writeln!(out, "<text x='{}' y='{at:.1}' fill='{color}'>{name}</text>", LEFT + 10.0);
    }
}
