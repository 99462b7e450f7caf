//! How a line of a table of figures becomes a field, its registration and its description.
//!
//! Owns the kinds of figures there are and how each is made. Knows no name: those are the tables' in `metrics`.

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    core::Collector,
};

/// Upper bounds in seconds of every histogram: what answers at once, what users notice, what is given up.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 60.0];

/// A kind of figure.
pub(super) trait Figure: Collector + Clone + Sized + 'static {
    /// What Prometheus calls it.
    const KIND: &'static str;

    /// A new one, at nothing.
    fn make(name: &str, help: &str, labels: &[&str]) -> prometheus::Result<Self>;

    /// A new one that the registry knows.
    fn registered(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<Self> {
        let figure = Self::make(name, help, labels)?;
        registry.register(Box::new(figure.clone()))?;
        Ok(figure)
    }
}

macro_rules! kinds {
    ($($type:ident: $kind:literal, $made:expr;)*) => {$(
        impl Figure for $type {
            const KIND: &'static str = $kind;

            fn make(name: &str, help: &str, labels: &[&str]) -> prometheus::Result<Self> {
                let make: fn(&str, &str, &[&str]) -> prometheus::Result<Self> = $made;
                make(name, help, labels)
            }
        }
    )*};
}

kinds! {
    IntCounter: "counter", |name, help, _| IntCounter::with_opts(Opts::new(name, help));
    IntCounterVec: "counter", |name, help, labels| IntCounterVec::new(Opts::new(name, help), labels);
    IntGauge: "gauge", |name, help, _| IntGauge::with_opts(Opts::new(name, help));
    IntGaugeVec: "gauge", |name, help, labels| IntGaugeVec::new(Opts::new(name, help), labels);
    Histogram: "histogram", |name, help, _| {
        Histogram::with_opts(HistogramOpts::new(name, help).buckets(SECONDS.to_vec()))
    };
    HistogramVec: "histogram", |name, help, labels| {
        HistogramVec::new(HistogramOpts::new(name, help).buckets(SECONDS.to_vec()), labels)
    };
}

/// A table of figures: a struct with a field for each line, and what is said of them.
macro_rules! figures {
    (
        $(#[$doc:meta])*
        $visible:vis struct $table:ident {
            $($field:ident: $kind:ident, $name:literal, [$($label:literal),*], $help:literal;)*
        }
    ) => {
        $(#[$doc])*
        $visible struct $table {
            $(#[doc = $help] $visible $field: $kind,)*
        }

        impl $table {
            /// Its lines.
            const DESCRIBED: &'static [$crate::telemetry::metrics::list::Described] = &[
                $($crate::telemetry::metrics::list::Described {
                    name: $name,
                    kind: <$kind as $crate::telemetry::metrics::figure::Figure>::KIND,
                    labels: &[$($label),*],
                    help: $help,
                },)*
            ];

            fn made(registry: &prometheus::Registry) -> prometheus::Result<Self> {
                use $crate::telemetry::metrics::figure::Figure;
                Ok(Self { $($field: $kind::registered(registry, $name, $help, &[$($label),*])?,)* })
            }
        }
    };
}
pub(super) use figures;
