//! Series as a picture.
//!
//! The labels are set in DejaVu Sans Mono, which is in the binary: the same
//! series give the same bytes on every machine.

use std::path::Path;
use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use opsh_operation::{Fault, FaultKind, Map, Value};
use plotters::prelude::*;

use super::NONE_YET;
use super::draw::{number, time_pattern};
use super::series::Series;
use crate::modules::{Context, given};

/// Colours that are told apart with any kind of sight (Okabe and Ito, 2008).
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];

const FONT: &str = "sans-serif";

pub(super) fn plot(_: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let series = Series::all_of(input)?;
    let path = Path::new(given::text(input, "path"));
    let pixels = |name, default| u32::try_from(given::int(input, name, default)).unwrap_or(600);
    let size = (pixels("width", 900), pixels("height", 420));
    let title = given::text(input, "title");
    font()?;
    let extension = path
        .extension()
        .map(|end| end.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    if !["png", "svg"].contains(&extension.as_str()) {
        return Err(Fault::new(
            FaultKind::Invalid,
            "the plot's file name must end with .png or .svg",
        ));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let file = |error: &dyn std::fmt::Display| {
        Fault::new(
            FaultKind::Failed,
            format!("cannot write the file {}: {error}", path.display()),
        )
    };
    std::fs::create_dir_all(folder).map_err(|error| file(&error))?;
    // Drawn beside it and renamed: a reader never sees half a picture. The
    // encoder tells the format by the name.
    let new = tempfile::Builder::new()
        .suffix(&format!(".{extension}"))
        .tempfile_in(folder)
        .map_err(|error| file(&error))?;
    if extension == "png" {
        draw(
            &BitMapBackend::new(new.path(), size).into_drawing_area(),
            &series,
            title,
        )?;
    } else {
        draw(
            &SVGBackend::new(new.path(), size).into_drawing_area(),
            &series,
            title,
        )?;
    }
    readable(new.path()).map_err(|error| file(&error))?;
    new.persist(path).map_err(|error| file(&error.error))?;
    Ok(Value::Null)
}

/// A picture is for everybody; temporary files are private.
fn readable(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))?;
    }
    let _ = path;
    Ok(())
}

/// Registers the font once a process.
fn font() -> Result<(), Fault> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let registered = REGISTERED.get_or_init(|| {
        plotters::style::register_font(FONT, FontStyle::Normal, dejavu::sans_mono::regular())
            .is_ok()
    });
    if *registered {
        Ok(())
    } else {
        Err(Fault::new(
            FaultKind::Failed,
            "the font for the labels cannot be read",
        ))
    }
}

fn draw<B: DrawingBackend>(
    area: &DrawingArea<B, plotters::coord::Shift>,
    series: &[Series],
    title: &str,
) -> Result<(), Fault> {
    picture(area, series, title).map_err(|error| {
        Fault::new(
            FaultKind::Failed,
            format!("the plot cannot be drawn: {error}"),
        )
    })
}

fn picture<'a, B: DrawingBackend + 'a>(
    area: &DrawingArea<B, plotters::coord::Shift>,
    series: &[Series],
    title: &str,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    area.fill(&WHITE)?;
    let Some(((from, to), (low, high))) = bounds(series) else {
        let text = if title.is_empty() {
            NONE_YET.to_owned()
        } else {
            format!("{title}: {NONE_YET}")
        };
        area.draw(&Text::new(text, (20, 20), (FONT, 18).into_font()))?;
        return area.present();
    };
    let mut builder = ChartBuilder::on(area);
    builder
        .margin(12)
        .margin_right(40)
        .x_label_area_size(32)
        .y_label_area_size(64);
    if !title.is_empty() {
        builder.caption(title, (FONT, 18));
    }
    let mut chart = builder.build_cartesian_2d(seconds(from)..seconds(to), low..high)?;
    let pattern = time_pattern(from, to);
    let units: Vec<&str> = series.iter().map(|series| series.unit.as_str()).collect();
    let unit = match units.split_first() {
        Some((first, rest)) if rest.iter().all(|unit| unit == first) => first,
        _ => "",
    };
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(RGBColor(225, 225, 225))
        .label_style((FONT, 12))
        .x_labels(8)
        .y_labels(6)
        .y_desc(unit)
        .x_label_formatter(&|at| label(*at, pattern))
        .y_label_formatter(&|value| number(*value))
        .draw()?;
    for (index, one) in series.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let points = || {
            one.points
                .iter()
                .filter(|(_, value)| value.is_finite())
                .map(|(time, value)| (seconds(*time), *value))
        };
        let drawn = chart.draw_series(LineSeries::new(points(), colour.stroke_width(2)))?;
        let title = if unit.is_empty() {
            one.title()
        } else {
            one.label.clone()
        };
        if !title.is_empty() {
            drawn.label(title).legend(move |(x, y)| {
                PathElement::new(vec![(x, y), (x + 16, y)], colour.stroke_width(2))
            });
        }
        // A line of one point would not be seen.
        chart.draw_series(points().map(|point| Circle::new(point, 2, colour.filled())))?;
    }
    if series.iter().any(|series| !series.title().is_empty()) {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .border_style(RGBColor(200, 200, 200))
            .label_font((FONT, 12))
            .draw()?;
    }
    area.present()
}

type Bounds = ((Timestamp, Timestamp), (f64, f64));

/// What the axes span; nothing if there are no points.
fn bounds(series: &[Series]) -> Option<Bounds> {
    let points = || {
        series
            .iter()
            .flat_map(|series| &series.points)
            .filter(|(_, value)| value.is_finite())
    };
    let from = points().map(|point| point.0).min()?;
    let mut to = points().map(|point| point.0).max()?;
    if from == to {
        to = from.checked_add(jiff::SignedDuration::from_secs(60)).ok()?;
    }
    let min = points().map(|point| point.1).fold(f64::INFINITY, f64::min);
    let max = points()
        .map(|point| point.1)
        .fold(f64::NEG_INFINITY, f64::max);
    let low = min.min(0.0);
    let room = (max - low) * 0.05;
    let high = if room > 0.0 { max + room } else { low + 1.0 };
    Some(((from, to), (low, high)))
}

#[allow(clippy::cast_precision_loss)] // milliseconds of human times fit
fn seconds(time: Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1000.0
}

#[allow(clippy::cast_possible_truncation)] // within the axis, which was made of times
fn label(at: f64, pattern: &str) -> String {
    Timestamp::from_millisecond((at * 1000.0).round() as i64)
        .map(|time| time.to_zoned(TimeZone::UTC).strftime(pattern).to_string())
        .unwrap_or_default()
}
