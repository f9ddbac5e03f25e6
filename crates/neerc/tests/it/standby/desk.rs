//! Those who are there while machines fail: somebody who asks for something all the time, and some who listen.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::raw::{Raw, Silence};
use crate::said::Said;
use crate::servers::Server;
use crate::wait::PATIENCE;

/// How often somebody asks for something.
const ASKS: Duration = Duration::from_millis(100);
/// Each so many times a task is handed out; otherwise the first one is renamed, which shows whether it is told in order.
const NEW_TASK: usize = 100;

/// Who listens.
pub const LISTEN: [&str; 2] = ["hall1", "jury2"];

/// What they have come to.
pub struct Desk {
    to: String,
    room: String,
    asked: AtomicUsize,
    answered: Mutex<Vec<usize>>,
    /// What each of those who listen was told of the first task, in that order.
    heard: [Mutex<Vec<usize>>; 2],
    is_over: AtomicBool,
}

impl Desk {
    pub fn of(to: String, room: String) -> Desk {
        Desk {
            to,
            room,
            asked: AtomicUsize::new(0),
            answered: Mutex::default(),
            heard: Default::default(),
            is_over: AtomicBool::new(false),
        }
    }

    /// Asks all the time, as somebody who may, until it is over.
    pub fn ask(&self, server: &Server) {
        let mut raw = Raw::login(server, "jury1", &self.room);
        while !self.is_over.load(Ordering::SeqCst) {
            let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
            let line = if number % NEW_TASK == 1 { "@todo hall1" } else { "rename 1:" };
            raw.send(&format!(
                "<message to='{}' type='chat' id='no{number}'><body>{line} Bring no{number}.</body></message>",
                self.to
            ));
            let until = Instant::now() + ASKS;
            self.read(&mut raw, until, |text| {
                let is_done = text.contains("is handed out") || text.contains("is changed");
                let number = number_in(text)
                    .filter(|_| is_done && text.contains("type='chat'") | text.contains("type=\"chat\""));
                lock(&self.answered).extend(number);
            });
        }
    }

    /// Listens in the room until it is over, as one of those who do.
    pub fn listen(&self, server: &Server, at: usize) {
        let user = LISTEN[at];
        let mut raw = Raw::login(server, user, &self.room);
        raw.enter(&self.room, user);
        while !self.is_over.load(Ordering::SeqCst) {
            self.read(&mut raw, Instant::now() + ASKS, |text| {
                let told = Said::read(text).tasks.into_iter().filter_map(|(id, task)| Some((id, task?)));
                let numbers = told.filter(|(id, _)| *id == 1).filter_map(|(_, task)| number_in(&task.title));
                lock(&self.heard[at]).extend(numbers);
            });
        }
    }

    fn read(&self, raw: &mut Raw, until: Instant, mut take: impl FnMut(&str)) {
        loop {
            match raw.stanza(until.saturating_duration_since(Instant::now())) {
                Ok(text) => take(&text),
                Err(Silence::Timeout) => return,
                Err(Silence::Closed) => panic!("the chat server has ended the connection of {}", raw.jid),
            }
        }
    }

    /// Waits until something is answered that is asked from now on.
    #[track_caller]
    pub fn is_answered(&self, mut meanwhile: impl FnMut()) {
        let (since, asked) = (Instant::now(), self.asked.load(Ordering::SeqCst));
        while !lock(&self.answered).iter().rev().any(|number| *number > asked) {
            assert!(since.elapsed() < PATIENCE * 2, "nobody answers");
            meanwhile();
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What was answered.
    pub fn answered(&self) -> Vec<usize> {
        lock(&self.answered).clone()
    }

    /// What each of those who listen was told of the first task.
    pub fn heard(&self) -> [Vec<usize>; 2] {
        self.heard.each_ref().map(|heard| lock(heard).clone())
    }

    /// Lets all of them end once this is dropped, also where something has failed.
    pub fn closing(&self) -> Closing<'_> {
        Closing(self)
    }
}

/// See [`Desk::closing`].
pub struct Closing<'a>(&'a Desk);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
    }
}

fn lock<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The number of what is to be brought.
pub fn number_in(text: &str) -> Option<usize> {
    let (_, rest) = text.split_once("Bring no")?;
    rest.split('.').next()?.parse().ok()
}
