//! The telephone company in memory: notes what it is told, and places calls as it is scripted.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::log::Log;
use super::passing;
use crate::domain::{CallSid, CallStatus, PhoneNumber};
use crate::ports::{Dial, DialError, PlacedCall, SentText, StreamEnd, Telephony, Text, VendorError};

/// Notes what it is told.
#[derive(Default)]
pub(crate) struct FakeTelephony {
    pub(crate) told: Log<String>,
    /// What every command is answered, if it is not done.
    pub(crate) refusal: Mutex<Option<VendorError>>,
    /// There is a number to call from.
    dials: bool,
    /// What becomes of the next calls; after these, each is taken.
    pub(crate) next: Mutex<VecDeque<OnDial>>,
    /// Calls that it was asked to place, and when.
    pub(crate) dialled: Log<(Dial, Instant)>,
    /// Calls that it has, and their numbers.
    pub(crate) calls: Mutex<Vec<(PhoneNumber, PlacedCall)>>,
    /// It does not say how calls stand.
    pub(crate) silent: Mutex<bool>,
    /// There is a number to send from.
    texts: bool,
    /// What becomes of the next text messages; after these, each is taken.
    pub(crate) next_texts: Mutex<VecDeque<OnText>>,
    /// Text messages that it was asked to send.
    pub(crate) texted: Log<Text>,
    /// Text messages that it has, and their numbers.
    sent: Mutex<Vec<(PhoneNumber, SentText)>>,
}

/// What becomes of a text message to be sent.
#[derive(Debug, Clone)]
pub(crate) enum OnText {
    /// It is taken, and nobody hears of it.
    TakenInSilence,
    /// It is not taken.
    Fails(DialError),
}

/// What becomes of a call to be placed.
#[derive(Debug, Clone)]
pub(crate) enum OnDial {
    /// It is taken, and nobody hears of it.
    TakenInSilence,
    /// It is taken, and no answer ever comes.
    TakenWithoutEnd,
    /// It is not taken.
    Fails(DialError),
}

impl FakeTelephony {
    /// One that places calls.
    pub(crate) fn dialling() -> Self {
        Self { dials: true, ..Self::default() }
    }

    /// One that sends text messages.
    pub(crate) fn texting(next: impl IntoIterator<Item = OnText>) -> Self {
        Self { texts: true, next_texts: Mutex::new(next.into_iter().collect()), ..Self::default() }
    }

    pub(crate) fn script(&self, next: impl IntoIterator<Item = OnDial>) {
        self.next.lock().unwrap().extend(next);
    }

    /// How the calls stand from now on.
    pub(crate) fn set_status(&self, status: CallStatus) {
        self.calls.lock().unwrap().iter_mut().for_each(|(_, placed)| placed.status = status);
    }

    fn take(&self, dial: &Dial) -> CallSid {
        let mut calls = self.calls.lock().unwrap();
        let call = CallSid::parse(&format!("CA{:032}", calls.len() + 1)).unwrap();
        let (status, created_at, answered_by, duration_s) = (CallStatus::Queued, None, None, None);
        calls.push((dial.to.clone(), PlacedCall { call: call.clone(), status, created_at, answered_by, duration_s }));
        call
    }

    fn send(&self, text: &Text) -> String {
        let mut sent = self.sent.lock().unwrap();
        let sid = format!("SM{}", sent.len() + 1);
        let (body, status) = (text.body.clone(), "queued".into());
        sent.push((text.to.clone(), SentText { sid: sid.clone(), status, body, created_at: None }));
        sid
    }

    fn listed<T>(&self, list: impl FnOnce(&[(PhoneNumber, PlacedCall)]) -> T) -> Result<T, VendorError> {
        if *self.silent.lock().unwrap() { Err(passing()) } else { Ok(list(&self.calls.lock().unwrap())) }
    }
}

#[async_trait]
impl Telephony for FakeTelephony {
    async fn proceed(&self, call: &CallSid, with: &StreamEnd) -> Result<(), VendorError> {
        self.told.push(format!("{call}: {with:?}"));
        self.refusal.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    fn can_dial(&self) -> bool {
        self.dials
    }

    async fn dial(&self, dial: &Dial) -> Result<CallSid, DialError> {
        self.dialled.push((dial.clone(), Instant::now()));
        let next = self.next.lock().unwrap().pop_front();
        match next {
            None => Ok(self.take(dial)),
            Some(OnDial::Fails(error)) => Err(error),
            Some(OnDial::TakenInSilence) => {
                self.take(dial);
                Err(DialError::Unknown(passing()))
            }
            Some(OnDial::TakenWithoutEnd) => {
                self.take(dial);
                std::future::pending().await
            }
        }
    }

    async fn calls_to(&self, to: &PhoneNumber, _since: DateTime<Utc>) -> Result<Vec<PlacedCall>, VendorError> {
        let own = |all: &[(PhoneNumber, PlacedCall)]| {
            all.iter().rev().filter(|(number, _)| number == to).map(|(_, placed)| placed.clone()).collect()
        };
        self.listed(own)
    }

    async fn call(&self, call: &CallSid) -> Result<Option<PlacedCall>, VendorError> {
        self.listed(|all| all.iter().find(|(_, placed)| placed.call == *call).map(|(_, placed)| placed.clone()))
    }

    async fn cancel(&self, call: &CallSid) -> Result<(), VendorError> {
        self.told.push(format!("{call}: canceled"));
        self.refusal.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    fn can_text(&self) -> bool {
        self.texts
    }

    async fn text(&self, text: &Text) -> Result<String, DialError> {
        self.texted.push(text.clone());
        let next = self.next_texts.lock().unwrap().pop_front();
        match next {
            None => Ok(self.send(text)),
            Some(OnText::Fails(error)) => Err(error),
            Some(OnText::TakenInSilence) => {
                self.send(text);
                Err(DialError::Unknown(passing()))
            }
        }
    }

    async fn texts_to(&self, to: &PhoneNumber, _since: DateTime<Utc>) -> Result<Vec<SentText>, VendorError> {
        let sent = self.sent.lock().unwrap();
        Ok(sent.iter().rev().filter(|(number, _)| number == to).map(|(_, text)| text.clone()).collect())
    }
}
