//! The report for people, as text.

use std::fmt;

use super::Report;
use crate::load::hop::QUANTILES;

/// Two digits after the point, or that it is not known.
pub(super) fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| format!("{value:.2}"))
}

impl Report {
    fn write_hops(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{:<26}{:>8}", "milliseconds", "count")?;
        QUANTILES.iter().try_for_each(|(name, _)| write!(f, "{name:>10}"))?;
        writeln!(f, "{:>10}", "max")?;
        for (_, title, hop) in self.hops() {
            write!(f, "{title:<26}{:>8}", hop.count())?;
            QUANTILES.iter().try_for_each(|(_, quantile)| write!(f, "{:>10.2}", hop.quantile_ms(*quantile)))?;
            writeln!(f, "{:>10.2}", hop.max() as f64 / 1_000.0)?;
        }
        let jitter = &self.frames.jitter_in;
        write!(f, "{:<26}{:>8}", "jitter at recogniser", jitter.count())?;
        QUANTILES.iter().try_for_each(|(_, quantile)| write!(f, "{:>10.2}", jitter.quantile_ms(*quantile)))?;
        writeln!(f, "{:>10.2}", jitter.max() as f64 / 1_000.0)?;
        write!(f, "{:<26}{:>8}", "history off by (words)", self.cut_words.count())?;
        QUANTILES.iter().try_for_each(|(_, quantile)| write!(f, "{:>10}", self.cut_words.quantile(*quantile)))?;
        writeln!(f, "{:>10}\n", self.cut_words.max())
    }

    fn write_calls(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (most, full) = (self.watched.most_calls(), self.watched.full_for().as_secs());
        let seconds = self.call_time.as_secs_f64();
        writeln!(f, "calls               {}, {seconds:.0} call-seconds", self.calls)?;
        writeln!(f, "at once             {most} at most; nearly as many for {full} s")?;
        writeln!(f, "asked ahead         {} of {} turns", self.added.ahead, self.added.sum.count())?;
        if self.bookings.0 > 0 {
            writeln!(f, "bookings            {} of {} callers", self.bookings.1, self.bookings.0)?;
        }
        let frames = &self.frames;
        writeln!(f, "callers' voices     {} frames sent, {} not heard", frames.sent, frames.not_heard)?;
        writeln!(
            f,
            "Otto's voice        {} frames received in {} messages, {} lost, {} late ({:.3} %), {} answers garbled",
            frames.received,
            frames.messages,
            frames.not_received,
            frames.late,
            frames.late_percent(),
            frames.garbled
        )?;
        let residue = self.residue.map_or_else(|| "not all calls have ended".to_owned(), |left| left.to_string());
        writeln!(f, "residue             {residue}")
    }

    fn write_usage(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let watched = &self.watched;
        let seconds = |cpu: Option<std::time::Duration>| figure(cpu.map(|cpu| cpu.as_secs_f64()));
        let (idle, peak) = (watched.idle_kib().unwrap_or_default(), watched.peak_kib().unwrap_or_default());
        writeln!(
            f,
            "engine CPU          {} s, {} ms a call-second; {} of a processor while full; {} calls a processor",
            seconds(watched.engine_cpu()),
            figure(self.cpu_ms_per_call_second()),
            figure(watched.engine_share()),
            self.calls_per_processor().map_or_else(|| "unknown".to_owned(), |calls| format!("{calls:.0}"))
        )?;
        writeln!(
            f,
            "engine memory       {} MiB at most, {} MiB before; {} KiB a call beyond the first",
            peak / 1_024,
            idle / 1_024,
            figure(self.memory_kib_per_call())
        )?;
        writeln!(
            f,
            "load side CPU       {} s of {:.1} s, {} ms a call-second; {:.0} % of its processors while full",
            seconds(watched.own_cpu()),
            watched.took.as_secs_f64(),
            figure(watched.own_cpu().and_then(|cpu| self.ms_per_call_second(cpu))),
            self.own_busy() * 100.0
        )?;
        writeln!(f, "load average        {} before, {} after", figure(watched.load[0]), figure(watched.load[1]))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_hops(f)?;
        self.write_calls(f)?;
        self.write_usage(f)?;
        self.soak.iter().try_for_each(|soak| write!(f, "{soak}"))?;
        writeln!(f, "failed              {}", self.failed)?;
        self.failures.iter().try_for_each(|(reason, count)| writeln!(f, "  {count:>6} {reason}"))?;
        self.broken_bounds().iter().try_for_each(|bound| writeln!(f, "  bound broken: {bound}"))?;
        self.warnings().iter().try_for_each(|warning| writeln!(f, "warning: {warning}"))
    }
}
