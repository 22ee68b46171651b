//! Quotas of requests and tokens that services tell, kept and used; in a time of its own, so that no load disturbs it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::*;

/// Both quotas in fixed windows, counted where a request arrives.
struct Service {
    start: Instant,
    requests: f64,
    tokens: f64,
    /// Of each window: requests and tokens that were admitted, and requests that were refused.
    windows: BTreeMap<u64, (f64, f64, u64)>,
}

const LENGTH: Duration = Duration::from_millis(1500);

impl Service {
    /// Counts a request, and tells of both quotas.
    fn arrived(&mut self, tokens: f64, now: Instant) -> (Quota, Quota) {
        let passed = now - self.start;
        let number = (passed.as_nanos() / LENGTH.as_nanos()) as u64;
        let used = self.windows.entry(number).or_default();
        if used.0 + 1.0 > self.requests || used.1 + tokens > self.tokens {
            used.2 += 1;
        } else {
            (used.0, used.1) = (used.0 + 1.0, used.1 + tokens);
        }
        let reset = LENGTH * (number as u32 + 1) - passed;
        let quota = |limit: f64, used: f64| Quota { limit, left: limit - used, reset };
        (quota(self.requests, used.0), quota(self.tokens, used.1))
    }
}

/// Sends so many requests, fifty at a time, each so many milliseconds on its way; gives the use of each window.
async fn sent(
    quotas: (f64, f64),
    tokens: Range<u64>,
    way: Range<u64>,
    count: usize,
    seed: u64,
) -> Vec<(f64, f64, u64)> {
    let start = Instant::now();
    let service = Service { start, requests: quotas.0, tokens: quotas.1, windows: BTreeMap::new() };
    let (service, random) = (Mutex::new(service), Mutex::new(fastrand::Rng::with_seed(seed)));
    let thrown = |range: Range<u64>| random.lock().unwrap().u64(range);
    let slot = Arc::new(Slot::new(50, Quotas::default()));
    let one = || async {
        let tokens = thrown(tokens.clone());
        let turn = slot.turn(tokens, start + Duration::from_secs(36_000), &Stop::new()).await.ok().unwrap();
        tokio::time::sleep(Duration::from_millis(thrown(way.clone()))).await;
        let told = service.lock().unwrap().arrived(tokens as f64, Instant::now());
        tokio::time::sleep(Duration::from_millis(thrown(5..25))).await;
        slot.learn_quotas(&turn, Some(&told.0), Some(&told.1), Instant::now());
    };
    futures::future::join_all((0..count).map(|_| one())).await;
    let windows = &service.lock().unwrap().windows;
    (0..=*windows.keys().last().unwrap())
        .map(|number| windows.get(&number).copied().unwrap_or_default())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn quotas_of_requests_and_tokens_are_both_kept_and_used() {
    for seed in 0..8 {
        // A request has 50 tokens: requests bind. Then 150 and more: tokens bind.
        for (tokens, count, binds) in [(40..60, 3_600, 600.0), (90..240, 2_000, 60_000.0)] {
            // Requests arrive in the order in which they are sent, or in any.
            for (way, refusals) in [(2..3, 0), (1..6, 2)] {
                let windows = sent((600.0, 60_000.0), tokens.clone(), way, count, seed).await;
                // In the first window nothing is known yet of how requests are counted.
                let refused: u64 = windows.iter().skip(1).map(|window| window.2).sum();
                assert!(refused <= refusals, "{refused} refused: {windows:?}");
                let inner = &windows[1..windows.len() - 1];
                let used: f64 =
                    inner.iter().map(|window| if binds > 600.0 { window.1 } else { window.0 }).sum();
                let share = used / (binds * inner.len() as f64);
                assert!(inner.len() > 2 && share >= 0.9, "{share} of {binds}: {windows:?}");
            }
        }
    }
}

/// A quota that flows back little by little, as OpenAI's does: `reset` tells when all of it is there again.
#[tokio::test(start_paused = true)]
async fn a_quota_that_flows_back_is_kept_and_used_too() {
    const LIMIT: f64 = 600.0;
    const A_SECOND: f64 = 10.0;
    let start = Instant::now();
    let bucket = Mutex::new((LIMIT, start, 0));
    let slot = Arc::new(Slot::new(20, Quotas::default()));
    let one = || async {
        let turn = slot.turn(1, start + Duration::from_secs(36_000), &Stop::new()).await.ok().unwrap();
        tokio::time::sleep(Duration::from_millis(5 + fastrand::u64(0..20))).await;
        let told = {
            let (left, at, refused) = &mut *bucket.lock().unwrap();
            let now = Instant::now();
            *left = (*left + (now - *at).as_secs_f64() * A_SECOND).min(LIMIT);
            *at = now;
            if *left < 1.0 {
                *refused += 1;
            } else {
                *left -= 1.0;
            }
            let reset = Duration::from_secs_f64((LIMIT - *left) / A_SECOND);
            Quota { limit: LIMIT, left: left.floor(), reset }
        };
        tokio::time::sleep(Duration::from_millis(200 + fastrand::u64(0..400))).await;
        slot.learn_quotas(&turn, Some(&told), None, Instant::now());
    };
    futures::future::join_all((0..6000).map(|_| one())).await;
    let took = start.elapsed().as_secs_f64();
    let refused = bucket.lock().unwrap().2;
    assert_eq!(refused, 0);
    let best = (6000.0 - LIMIT) / A_SECOND;
    assert!(took < best / 0.85, "took {took} seconds, {best} were possible");
}
