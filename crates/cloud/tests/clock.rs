//! Virtual time: it moves only when everybody waits, and everything has one order.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use opsh_cloud::clock::{Clock, Flow, Stopped, Tide};

fn never() -> bool {
    false
}

fn seconds(clock: &Clock) -> i64 {
    clock.now().as_second()
}

/// Three branches that sleep 3, 2 and 1 seconds at a time, below a parent.
fn interleaving() -> String {
    let clock = Clock::new(Timestamp::UNIX_EPOCH);
    let root = clock.enter(&[]);
    let log = Arc::new(Mutex::new(String::new()));
    let paths: Vec<Vec<u32>> = (0..3).map(|index| vec![0, index]).collect();
    clock.announce(&paths);
    thread::scope(|scope| {
        for (path, pause) in paths.iter().zip([3, 2, 1]) {
            let (clock, log) = (clock.clone(), Arc::clone(&log));
            scope.spawn(move || {
                let _branch = clock.enter(path);
                for _ in 0..4 {
                    clock.sleep(Duration::from_secs(pause), &never).unwrap();
                    write!(log.lock().unwrap(), "{}@{} ", path[1], seconds(&clock)).unwrap();
                }
            });
        }
    });
    clock.sleep(Duration::from_secs(1), &never).unwrap();
    drop(root);
    let mut log = log.lock().unwrap();
    write!(log, "end@{}", seconds(&clock)).unwrap();
    log.clone()
}

#[test]
fn branches_interleave_the_same_way_every_time() {
    let first = interleaving();
    assert_eq!(
        first,
        "2@1 1@2 2@2 0@3 2@3 1@4 2@4 0@6 1@6 1@8 0@9 0@12 end@13"
    );
    for _ in 0..100 {
        assert_eq!(interleaving(), first);
    }
}

#[test]
fn the_background_comes_to_its_end_in_its_own_time() {
    let clock = Clock::new(Timestamp::UNIX_EPOCH);
    let stop = Arc::new(AtomicBool::new(false));
    let log = Arc::new(Mutex::new(Vec::new()));
    // One takes turns until it is to stop; two are about something that nothing stops.
    let works: [(u64, bool); 3] = [(5, true), (12, false), (100, false)];
    let paths: Vec<_> = works.iter().map(|_| clock.background()).collect();
    clock.announce(&paths);
    thread::scope(|scope| {
        for (path, (pause, stoppable)) in paths.iter().zip(works) {
            let (clock, stop, log) = (clock.clone(), Arc::clone(&stop), Arc::clone(&log));
            scope.spawn(move || {
                let _branch = clock.enter(path);
                let told = || stoppable && stop.load(Ordering::SeqCst);
                let mut slept = clock.sleep(Duration::from_secs(pause), &told);
                while stoppable && slept.is_ok() {
                    slept = clock.sleep(Duration::from_secs(pause), &told);
                }
                let end = (pause, slept.is_ok(), seconds(&clock));
                log.lock().unwrap().push(end);
            });
        }
        clock.sleep(Duration::from_secs(7), &never).unwrap();
        assert!(!clock.background_is_awake());
        assert_eq!((seconds(&clock), log.lock().unwrap().len()), (7, 0));
        stop.store(true, Ordering::SeqCst);
        clock.let_background_end(Duration::from_secs(30));
    });
    let log = log.lock().unwrap();
    assert_eq!(*log, [(5, false, 7), (12, true, 12), (100, false, 37)]);
}

#[test]
fn time_moves_only_by_sleeping() {
    let clock = Clock::new(Timestamp::UNIX_EPOCH);
    let _root = clock.enter(&[]);
    thread::sleep(Duration::from_millis(20));
    assert_eq!(seconds(&clock), 0);
    clock.sleep(Duration::from_hours(1), &never).unwrap();
    assert_eq!(seconds(&clock), 3600);
    assert_eq!(clock.block_on(async { 7 }, &never), Ok(7));
    assert_eq!(seconds(&clock), 3600);
}

#[test]
fn a_future_waits_for_the_earliest_of_its_timers() {
    let clock = Clock::new(Timestamp::UNIX_EPOCH);
    let timers = clock.clone();
    let winner = clock.block_on(
        async move {
            let slow = timers.timer(Duration::from_mins(1));
            let quick = async {
                timers.timer(Duration::from_secs(2)).await;
                timers.timer(Duration::from_secs(3)).await;
                "quick"
            };
            match futures_util::future::select(std::pin::pin!(slow), std::pin::pin!(quick)).await {
                futures_util::future::Either::Left(_) => "slow",
                futures_util::future::Either::Right((quick, _)) => quick,
            }
        },
        &never,
    );
    assert_eq!(winner, Ok("quick"));
    assert_eq!(seconds(&clock), 5);
}

#[test]
fn a_future_that_waits_for_a_real_wake_gets_it_and_time_stands_still() {
    let clock = Clock::new(Timestamp::UNIX_EPOCH);
    let (send, receive) = tokio::sync::oneshot::channel();
    let helper = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        send.send(5).unwrap();
    });
    assert_eq!(clock.block_on(receive, &never), Ok(Ok(5)));
    assert_eq!(seconds(&clock), 0);
    helper.join().unwrap();
}

#[test]
fn a_wait_for_the_baton_can_be_stopped() {
    let clock = Clock::new(Timestamp::UNIX_EPOCH);
    let first = clock.enter(&[0]);
    let other = clock.clone();
    let stopped = thread::spawn(move || other.sleep(Duration::from_secs(1), &|| true));
    // The guest waits to be let in, which nothing stops; then its sleep is stopped or over.
    clock.sleep(Duration::from_secs(5), &never).unwrap();
    drop(first);
    let result = stopped.join().unwrap();
    assert!(matches!(result, Ok(()) | Err(Stopped)));
}

#[test]
fn a_thread_goes_from_one_branch_to_the_next() {
    let clock = Clock::new(Timestamp::UNIX_EPOCH);
    let _root = clock.enter(&[]);
    let next = Arc::new(Mutex::new(2_u32));
    let log = Arc::new(Mutex::new(Vec::new()));
    clock.announce(&[vec![0], vec![1]]);
    thread::scope(|scope| {
        for start in 0..2 {
            let (clock, next, log) = (clock.clone(), Arc::clone(&next), Arc::clone(&log));
            scope.spawn(move || {
                let mut item = start;
                while item < 6 {
                    let _branch = clock.enter(&[item]);
                    let pause = u64::from(item % 3 + 1);
                    clock.sleep(Duration::from_secs(pause), &never).unwrap();
                    log.lock().unwrap().push((item, seconds(&clock)));
                    let mut next = next.lock().unwrap();
                    item = *next;
                    *next += 1;
                    if item < 6 {
                        clock.announce(&[vec![item]]);
                    }
                }
            });
        }
    });
    assert_eq!(
        *log.lock().unwrap(),
        [(0, 1), (1, 2), (3, 3), (2, 4), (4, 5), (5, 7)]
    );
}

/// Rings at its times; each ring is a detached branch that notes when it begins.
struct Bell {
    clock: Clock,
    times: Mutex<Vec<i64>>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Tide for Bell {
    fn flow(&self, to: Timestamp) -> Flow {
        let mut times = self.times.lock().unwrap();
        let due = times.first().copied().filter(|at| *at <= to.as_second());
        let Some(at) = due else {
            return Flow {
                at: to,
                begins: Vec::new(),
            };
        };
        times.remove(0);
        let path = self.clock.detach();
        let (clock, log, own) = (self.clock.clone(), Arc::clone(&self.log), path.clone());
        thread::spawn(move || {
            let _branch = clock.enter(&own);
            clock.limit(&own, clock.now() + Duration::from_secs(5));
            log.lock()
                .unwrap()
                .push(format!("ring@{}", seconds(&clock)));
            let slept = clock.sleep(Duration::from_secs(3), &never);
            assert_eq!(slept, Ok(()));
            let stopped = clock.sleep(Duration::from_secs(3), &never);
            assert_eq!(stopped, Err(Stopped));
            log.lock()
                .unwrap()
                .push(format!("rang@{}", seconds(&clock)));
            assert_eq!(clock.block_on(async { 7 }, &never), Err(Stopped));
        });
        Flow {
            at: Timestamp::from_second(at).unwrap(),
            begins: vec![path],
        }
    }
}

#[test]
fn what_the_tide_begins_runs_before_the_sleeper_wakes_and_ends_at_its_limit() {
    for _ in 0..50 {
        let clock = Clock::new(Timestamp::UNIX_EPOCH);
        let log = Arc::<Mutex<Vec<String>>>::default();
        let bell: Arc<dyn Tide> = Arc::new(Bell {
            clock: clock.clone(),
            times: Mutex::new(vec![2, 4, 10]),
            log: Arc::clone(&log),
        });
        clock.attend(Arc::downgrade(&bell));
        let _root = clock.enter(&[]);
        clock.sleep(Duration::from_secs(10), &never).unwrap();
        log.lock()
            .unwrap()
            .push(format!("awake@{}", seconds(&clock)));
        clock.sleep(Duration::from_secs(10), &never).unwrap();
        let log = log.lock().unwrap().join(" ");
        assert_eq!(log, "ring@2 ring@4 rang@7 rang@9 ring@10 awake@10 rang@15");
    }
}

#[test]
fn a_clock_that_follows_the_real_one_never_jumps() {
    let begun = std::time::Instant::now();
    let clock = Clock::new(Timestamp::UNIX_EPOCH);
    clock.follow();
    assert!(Timestamp::now().duration_since(clock.now()).as_secs() < 60);
    let before = clock.now();
    clock.sleep(Duration::from_millis(120), &never).unwrap();
    assert!(clock.now().duration_since(before).as_millis() >= 120);
    assert!(begun.elapsed() >= Duration::from_millis(120));
    let later = clock.now() + jiff::SignedDuration::from_hours(1);
    clock.reach(later);
    thread::sleep(Duration::from_millis(20));
    let ahead = clock.now().duration_since(later);
    assert!(ahead.as_millis() >= 20, "it goes on from there: {ahead}");
    assert_eq!(
        clock.sleep(Duration::from_mins(1), &|| true),
        Err(Stopped),
        "a wait in real time can be stopped"
    );
}

/// Answers the first who asks it when it is let to, with a branch that it has told before.
struct Slow {
    clock: Clock,
    asked: mpsc::Sender<Vec<u32>>,
    answer: Mutex<Option<mpsc::Receiver<()>>>,
}

impl Tide for Slow {
    fn flow(&self, to: Timestamp) -> Flow {
        let mut begins = Vec::new();
        let answer = self.answer.lock().unwrap().take();
        if let Some(answer) = answer {
            begins.push(self.clock.detach());
            self.asked.send(begins[0].clone()).unwrap();
            answer.recv().unwrap();
        }
        Flow { at: to, begins }
    }
}

#[test]
fn who_catches_up_meets_what_another_lets_happen() {
    let clock = Clock::new(Timestamp::UNIX_EPOCH);
    clock.follow();
    let (asked, is_asked) = mpsc::channel();
    let (let_it, answer) = mpsc::channel();
    let slow: Arc<dyn Tide> = Arc::new(Slow {
        clock: clock.clone(),
        asked,
        answer: Mutex::new(Some(answer)),
    });
    clock.attend(Arc::downgrade(&slow));
    let other = {
        let clock = clock.clone();
        thread::spawn(move || clock.reach(clock.now() + Duration::from_hours(1)))
    };
    let begins = is_asked.recv().unwrap();
    clock.reach(clock.now() + Duration::from_hours(2));
    assert!(!clock.has_detached(), "nobody waits for who asks");
    let caught = {
        let clock = clock.clone();
        thread::spawn(move || {
            clock.catch_up();
            clock.has_detached()
        })
    };
    let_it.send(()).unwrap();
    other.join().unwrap();
    let branch = clock.enter(&begins);
    while !caught.is_finished() {
        clock.sleep(Duration::from_millis(1), &never).unwrap();
    }
    assert!(caught.join().unwrap(), "it has begun");
    drop(branch);
}

#[test]
fn who_sleeps_wakes_when_somebody_else_has_waited_longer() {
    let clock = Clock::new(Timestamp::UNIX_EPOCH);
    let root = clock.enter(&[]);
    clock.reach(Timestamp::from_second(50).unwrap());
    assert_eq!(seconds(&clock), 50);
    clock.reach(Timestamp::from_second(40).unwrap());
    assert_eq!(seconds(&clock), 50, "time does not go back");
    clock.sleep(Duration::from_secs(5), &never).unwrap();
    assert_eq!(seconds(&clock), 55);
    drop(root);
}
