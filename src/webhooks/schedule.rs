//! When a delivery is tried again (Standard Webhooks 1.0.0, "Retry schedule").

use std::time::Duration;

/// Pauses after each try but the last.
const PAUSES: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];
/// How long a delivery holds up those behind it, from its first try on.
pub const MAX_HOLD: Duration = Duration::from_mins(30);
/// The longest time that a receiver can ask to be left alone.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);

/// What becomes of a delivery after a try that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is tried again after this time, in its turn: those behind it wait.
    InTurn(Duration),
    /// It is tried again after this time, and those behind it wait no longer.
    Parked(Duration),
    /// It has failed for good.
    Failed,
}

/// What becomes of a delivery that has been tried `tries` times, the first time `age` ago.
///
/// `jitter` from 0 to 1 makes a pause up to a tenth longer. A receiver that names a time after which it wants to be asked
/// again is not asked earlier.
pub fn plan_retry(tries: i32, age: Duration, retry_after: Option<Duration>, jitter: f64) -> Next {
    let pause = usize::try_from(tries - 1).ok().and_then(|at| PAUSES.get(at));
    let Some(pause) = pause else { return Next::Failed };
    if age >= MAX_HOLD {
        let pause = pause.mul_f64(1.0 + jitter / 10.0);
        return Next::Parked(pause.max(asked_pause(retry_after)));
    }
    // The last try in turn is no later than the end of the hold.
    let pause = pause.mul_f64(1.0 + jitter / 10.0).min(MAX_HOLD - age).max(asked_pause(retry_after));
    if age + pause > MAX_HOLD { Next::Parked(pause) } else { Next::InTurn(pause) }
}

fn asked_pause(retry_after: Option<Duration>) -> Duration {
    retry_after.unwrap_or_default().min(MAX_RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_tries_take_75_hours_and_the_first_half_hour_is_in_turn() {
        let (mut age, mut in_turn, mut tries) = (Duration::ZERO, 0, 1);
        loop {
            match plan_retry(tries, age, None, 0.0) {
                Next::InTurn(pause) => {
                    age += pause;
                    in_turn += 1;
                }
                Next::Parked(pause) => age += pause,
                Next::Failed => break,
            }
            tries += 1;
        }
        assert_eq!((tries, in_turn), (10, 3));
        assert_eq!(age, Duration::from_hours(75) + MAX_HOLD);
    }

    #[test]
    fn a_receiver_is_not_asked_before_it_wants_to_be() {
        let minutes = Duration::from_mins;
        assert_eq!(plan_retry(1, Duration::ZERO, Some(minutes(2)), 0.5), Next::InTurn(minutes(2)));
        assert_eq!(plan_retry(1, Duration::ZERO, Some(minutes(40)), 0.5), Next::Parked(minutes(40)));
        assert_eq!(plan_retry(5, minutes(90), Some(minutes(1)), 0.0), Next::Parked(minutes(5 * 60)));
        assert_eq!(plan_retry(1, Duration::ZERO, Some(minutes(1 << 20)), 0.0), Next::Parked(MAX_RETRY_AFTER));
    }

    #[test]
    fn pauses_are_up_to_a_tenth_longer() {
        let longest = plan_retry(2, Duration::from_secs(6), None, 1.0);
        assert_eq!(longest, Next::InTurn(Duration::from_secs(330)));
    }
}
