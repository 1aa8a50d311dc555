//! So many runs a second of each instance, and as many at once.

use std::collections::HashMap;
use std::time::Instant;

use parking_lot::Mutex;

use crate::setup::SetupError;

/// The longest time that a client is asked to wait, in seconds: a day.
const LONGEST: f64 = 86_400.0;

/// Instances beyond which it is looked, each time that there are twice as many, which of them have not asked for long.
const FEW: usize = 1024;

pub(crate) struct Rate {
    rate: f64,
    most: f64,
    buckets: Mutex<HashMap<String, Bucket>>,
}

struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Rate {
    pub(crate) fn new(rate: f64) -> Result<Self, SetupError> {
        if !(rate > 0.0 && rate.is_finite()) {
            return Err(SetupError::Rate);
        }
        Ok(Self { rate, most: rate.max(1.0), buckets: Mutex::default() })
    }

    /// One run more, or in how many seconds there may be one.
    pub(crate) fn take(&self, instance: &str, now: Instant) -> Result<(), u64> {
        let mut buckets = self.buckets.lock();
        if let Some(bucket) = buckets.get_mut(instance) {
            bucket.tokens = self.tokens(bucket, now);
            bucket.at = bucket.at.max(now);
            if bucket.tokens < 1.0 {
                let wait = ((1.0 - bucket.tokens) / self.rate).ceil();
                return Err(wait.clamp(1.0, LONGEST) as u64);
            }
            bucket.tokens -= 1.0;
            return Ok(());
        }
        if buckets.len() >= FEW && buckets.len().is_power_of_two() {
            // A full bucket is as good as none.
            buckets.retain(|_, bucket| self.tokens(bucket, now) < self.most);
        }
        buckets.insert(instance.to_owned(), Bucket { tokens: self.most - 1.0, at: now });
        Ok(())
    }

    fn tokens(&self, bucket: &Bucket, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        self.most.min(bucket.tokens + passed * self.rate)
    }
}
