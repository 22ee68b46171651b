//! The slots: one per origin, bucket and credential, and no more of them than are in use.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;
use url::Url;

use super::slot::{Quotas, Slot};
use super::{HttpConfig, Request};

/// So many slots may lie there before those are looked for that nobody needs.
const FEW: usize = 256;

#[derive(PartialEq, Eq, Hash)]
struct Key {
    origin: String,
    bucket: &'static str,
    /// The credential's digest, by a key that only this process knows.
    credential: Option<u64>,
}

#[derive(Default)]
pub(super) struct Slots {
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
    random: RandomState,
}

impl Slots {
    /// The slot in which a request waits for its turn at `url`.
    pub(super) fn get(&self, config: &HttpConfig, url: &Url, request: &Request, home: bool) -> Arc<Slot> {
        let origin = url.origin();
        let secret = request.credential.as_ref().filter(|credential| home && credential.origin == origin);
        let credential =
            secret.map(|secret| self.random.hash_one((secret.header.as_str(), secret.value.expose())));
        let bucket = bucket(url, request, home);
        let key = Key { origin: origin.ascii_serialization(), bucket, credential };
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(&key) {
            return slot.clone();
        }
        // Looked for again when there are twice as many: a slot costs the same however many there are.
        if slots.len() >= FEW && slots.len() == slots.capacity() {
            let now = Instant::now();
            slots.retain(|_, slot| Arc::strong_count(slot) > 1 || !slot.at_rest(now));
        }
        slots.entry(key).or_insert(Arc::new(make(config, request, bucket, home))).clone()
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.slots.lock().unwrap().len()
    }
}

/// The service's name for the limit against which a request counts; other origins have none.
pub(super) fn bucket(url: &Url, request: &Request, home: bool) -> &'static str {
    match (home, request.bucket) {
        (true, "") => (request.service.bucket)(url),
        (true, bucket) => bucket,
        (false, _) => "",
    }
}

/// The lowest of what is configured and what is known of the service counts.
fn make(config: &HttpConfig, request: &Request, bucket: &str, home: bool) -> Slot {
    let limits = request.service.limits.iter().filter(|limit| home && limit.bucket == bucket);
    let mut concurrency = config.concurrency;
    let mut quotas = Quotas {
        per_second: config.per_second,
        requests_per_minute: config.requests_per_minute,
        units_per_minute: config.units_per_minute,
    };
    for limit in limits {
        concurrency = concurrency.min(limit.concurrency.unwrap_or(usize::MAX));
        quotas.per_second = [quotas.per_second, limit.per_second].into_iter().flatten().reduce(f64::min);
        quotas.requests_per_minute =
            [quotas.requests_per_minute, limit.requests_per_minute].into_iter().flatten().min();
    }
    Slot::new(concurrency, quotas)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Why;
    use crate::http::{Credential, Limit, Secret, Service};

    fn request(url: &str) -> Request {
        Request::get(Url::parse(url).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_hundred_thousand_hosts_leave_few_slots_and_a_pause_is_not_forgotten() {
        let (slots, config) = (Slots::default(), HttpConfig::default());
        let get = |url: &str| slots.get(&config, &Url::parse(url).unwrap(), &request(url), true);
        let paused = get("https://paused.org/");
        paused.pause(Duration::from_secs(60), Why::Busy);
        drop(paused);
        let held = get("https://held.org/");
        for number in 0..100_000 {
            get(&format!("https://host{number}.org/"));
        }
        assert!(slots.len() <= 4 * FEW, "{} slots", slots.len());
        assert!(get("https://paused.org/").waiting().is_some());
        assert!(Arc::ptr_eq(&held, &get("https://held.org/")));
    }

    #[tokio::test(start_paused = true)]
    async fn each_credential_has_a_slot_of_its_own() {
        let (slots, config) = (Slots::default(), HttpConfig::default());
        let get = |token: &str| {
            let mut request = request("https://a.org/");
            request.credential = Some(Credential::bearer(&request.url, &Secret::new(token)));
            slots.get(&config, &request.url, &request, true)
        };
        assert!(Arc::ptr_eq(&get("one"), &get("one")));
        assert!(!Arc::ptr_eq(&get("one"), &get("two")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_services_limits_hold_by_the_bucket_that_its_function_tells() {
        static SLOW: Service = Service {
            name: "slow",
            bucket: |url| if url.path().starts_with("/api") { "api" } else { "" },
            limits: &[Limit { per_second: Some(1.0), ..Limit::on("api") }],
            ..Service::PLAIN
        };
        let (slots, config) = (Slots::default(), HttpConfig::default());
        let took = async |path: &str| {
            let request = Request { service: &SLOW, ..request(&format!("https://a.org{path}")) };
            let start = Instant::now();
            for _ in 0..4 {
                let slot = slots.get(&config, &request.url, &request, true);
                drop(slot.turn(0, start + Duration::from_secs(60), &config.stop).await.ok().unwrap());
            }
            start.elapsed().as_secs()
        };
        assert_eq!((took("/api/x").await, took("/x").await), (3, 0));
    }
}
