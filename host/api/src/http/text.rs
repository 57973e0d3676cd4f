//! Figures as text: OpenMetrics, by the library of the Prometheus project.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use std::fmt;
use weft_node::report::Figure;

/// Figures of one moment.
#[derive(Debug)]
struct Moment(Vec<Figure>);

/// The text.
///
/// # Errors
/// When a figure can't be written, which is a mistake in Weft.
pub(super) fn of(figures: Vec<Figure>) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Moment(figures)));
    let mut out = String::new();
    text::encode(&mut out, &registry)?;
    Ok(out)
}

impl Collector for Moment {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for figure in &self.0 {
            let kind = if figure.rises {
                MetricType::Counter
            } else {
                MetricType::Gauge
            };
            let mut metric = encoder.encode_descriptor(figure.name, figure.about, None, kind)?;
            let Some(name) = figure.label else {
                if let Some((_, value)) = figure.values.first() {
                    put(metric, figure.rises, *value)?;
                }
                continue;
            };
            for (label, value) in &figure.values {
                let labels = [(name, label.as_str())];
                put(metric.encode_family(&labels)?, figure.rises, *value)?;
            }
        }
        Ok(())
    }
}

fn put(metric: MetricEncoder<'_>, rises: bool, value: f64) -> Result<(), fmt::Error> {
    if rises {
        ConstCounter::new(value).encode(metric)
    } else {
        ConstGauge::new(value).encode(metric)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_prometheus_reads_them() {
        let figure = |name, rises, label, values: &[(&str, f64)]| Figure {
            name,
            about: "About it",
            rises,
            label,
            values: values.iter().map(|(l, v)| ((*l).to_owned(), *v)).collect(),
        };
        let text = of(vec![
            figure("weft_up", false, None, &[("", 1.5)]),
            figure("weft_dropped", true, Some("reason"), &[("a \"b\"\n", 3.0)]),
            figure("weft_unknown", false, None, &[]),
        ]);
        let expected = "# HELP weft_up About it\n# TYPE weft_up gauge\nweft_up 1.5\n\
            # HELP weft_dropped About it\n# TYPE weft_dropped counter\n\
            weft_dropped_total{reason=\"a \\\"b\\\"\\n\"} 3.0\n\
            # HELP weft_unknown About it\n# TYPE weft_unknown gauge\n# EOF\n";
        assert_eq!(text.expect("it is written"), expected);
    }
}
