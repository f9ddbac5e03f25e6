//! A small picture: bytes told over the number of people, both logarithmic, beside the law they must stay below.

use std::fmt::Write as _;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 80.0;
const BOTTOM: f64 = 360.0;

/// Points are people, bytes measured, bytes by the law.
pub fn log_log(points: &[(f64, f64, f64)]) -> String {
    let most_x = points.iter().map(|point| point.0).fold(10.0, f64::max).log10();
    let most_y = points.iter().map(|point| point.1.max(point.2)).fold(10.0, f64::max).log10().ceil();
    let least_y = points.iter().map(|point| point.1.min(point.2)).fold(f64::INFINITY, f64::min).log10().floor();
    let x = |value: f64| LEFT + (value.log10() - 1.0) / (most_x - 1.0).max(1.0) * (WIDTH - LEFT - 30.0);
    let y = |value: f64| BOTTOM - (value.log10() - least_y) / (most_y - least_y).max(1.0) * (BOTTOM - 40.0);
    let mut out = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' font-family='sans-serif' \
         font-size='12'>\n<rect width='100%' height='100%' fill='white'/>\n<text x='{LEFT}' y='22' font-size='14'>\
         Everybody in a room answers one task at once: bytes told</text>\n"
    );
    for power in least_y as i32..=most_y as i32 {
        let at = y(10_f64.powi(power));
        let _ = writeln!(out, "<path d='M{LEFT} {at:.1}H{}' stroke='#ddd'/>", WIDTH - 30.0);
        let label = ["1 B", "10 B", "100 B", "1 KB", "10 KB", "100 KB", "1 MB", "10 MB", "100 MB", "1 GB", "10 GB"];
        let label = label.get(power as usize).map_or_else(|| format!("10^{power} B"), |label| (*label).to_owned());
        let _ = writeln!(out, "<text x='{}' y='{:.1}' text-anchor='end'>{label}</text>", LEFT - 8.0, at + 4.0);
    }
    for (people, ..) in points {
        let at = x(*people);
        let _ = writeln!(out, "<path d='M{at:.1} {BOTTOM}v5' stroke='black'/>");
        let _ = writeln!(out, "<text x='{at:.1}' y='{}' text-anchor='middle'>{people}</text>", BOTTOM + 18.0);
    }
    let _ =
        writeln!(out, "<text x='{}' y='{}' text-anchor='middle'>people in the room</text>", WIDTH / 2.0, BOTTOM + 40.0);
    let mut line = |color: &str, name: &str, value: fn(&(f64, f64, f64)) -> f64| {
        let place = |point: &(f64, f64, f64)| format!("{:.1},{:.1}", x(point.0), y(value(point)));
        let places: Vec<String> = points.iter().map(place).collect();
        let _ =
            writeln!(out, "<polyline points='{}' fill='none' stroke='{color}' stroke-width='2'/>", places.join(" "));
        for point in points {
            let _ = writeln!(out, "<circle cx='{:.1}' cy='{:.1}' r='3' fill='{color}'/>", x(point.0), y(value(point)));
        }
        if let Some(last) = points.last() {
            let (at, above) = (x(last.0) - 10.0, y(value(last)) - 8.0);
            let _ = writeln!(out, "<text x='{at:.1}' y='{above:.1}' text-anchor='end' fill='{color}'>{name}</text>");
        }
    };
    line("#c33", "whole task to everybody for each change", |point| point.2);
    line("#27c", "neerc", |point| point.1);
    out += "</svg>\n";
    out
}
