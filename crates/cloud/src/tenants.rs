//! Programs outside the cloud's own code that answer HTTP inside it.
//!
//! A [`Tenant`] is lodged at an [`Address`]: a port of the caller's machine (a playbook
//! that serves) or of a simulated host (a service there). Whatever reaches that port in
//! the cloud is its to answer: visits, what a proxy on the host passes on, what a balancer
//! forwards and checks, what SNS delivers.
//!
//! It answers on a thread and a branch of the clock of its own, so it may take virtual
//! time and ask the same cloud; the state is never locked meanwhile. Who waits for it does
//! so on the clock ([`Cloud::visit`]); what an event asked of it (SNS, a health check) is
//! an [errand](crate::errands), which waits on a branch of its own.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use crate::Cloud;
use crate::clock::Clock;
use crate::cloud::Inner;
use crate::course::{Asked, PATIENCE};
use crate::furnish::CALLER_ADDRESS;
use crate::hosts::{Lodger, Unreachable};
use crate::login::address_of;
use crate::state::State;

/// What an interpreter may need. Address space only: pages are taken as they are used.
const STACK: usize = 256 * 1024 * 1024;

/// Who answers requests.
pub trait Tenant: Send + Sync {
    /// The path of a new branch of the clock to answer on; it may be below the tenant's own.
    fn branch(&self, clock: &Clock) -> Vec<u32> {
        clock.detach()
    }

    /// Answers a request, on a thread of its own that is the branch [`Call::branch`].
    fn answer(&self, call: &Call) -> http::Response<Bytes>;
}

impl std::fmt::Debug for dyn Tenant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tenant")
    }
}

/// A request to a tenant.
#[derive(Debug)]
pub struct Call {
    /// The cloud that it comes from.
    pub cloud: Cloud,
    /// The path of the branch on the cloud's clock that the thread is.
    pub branch: Vec<u32>,
    /// The address that it comes from, as the tenant's machine sees it.
    pub client: String,
    /// The request.
    pub request: http::Request<Bytes>,
}

/// A machine on which programs of others listen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The caller's machine: `127.0.0.1` for itself, [`CALLER_ADDRESS`] for the others.
    ///
    /// [`CALLER_ADDRESS`]: crate::furnish::CALLER_ADDRESS
    Caller,
    /// The simulated host of the instance with this id.
    Instance(String),
}

/// Where a tenant answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// On which machine.
    pub place: Place,
    /// `127.0.0.1` for this machine only, `0.0.0.0` for everybody.
    pub bind: Ipv4Addr,
    /// At which port.
    pub port: u16,
    /// The name of the program: on a host the unit that it belongs to.
    pub name: String,
}

impl Address {
    /// On the caller's machine.
    #[must_use]
    pub fn of_caller(bind: Ipv4Addr, port: u16) -> Self {
        Self {
            place: Place::Caller,
            bind,
            port,
            name: "opsh".to_owned(),
        }
    }

    /// On the host of an instance, for the service `unit`.
    #[must_use]
    pub fn of_host(instance: &str, unit: &str, bind: Ipv4Addr, port: u16) -> Self {
        Self {
            place: Place::Instance(instance.to_owned()),
            bind,
            port,
            name: unit.to_owned(),
        }
    }
}

/// Why nobody can be lodged at an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Taken {
    /// Somebody listens there.
    #[error("port {0} is taken already: somebody listens there")]
    Port(u16),
    /// There is no such machine, or it is off.
    #[error("the instance {0} is not running")]
    Gone(String),
}

/// Where tenants are.
type Doors = BTreeMap<(Place, u16), (Address, Arc<dyn Tenant>)>;

/// All tenants of a cloud.
#[derive(Debug, Default)]
pub(crate) struct Tenants(Mutex<Doors>);

impl Tenants {
    fn doors(&self) -> MutexGuard<'_, Doors> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A tenant has its address as long as this is held.
#[derive(Debug)]
#[must_use = "dropping it ends the tenancy"]
pub struct Lodging {
    cloud: Cloud,
    address: Address,
    tenant: Arc<dyn Tenant>,
}

impl Lodging {
    /// Where the tenant answers.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }
}

impl Drop for Lodging {
    fn drop(&mut self) {
        let door = (self.address.place.clone(), self.address.port);
        let mut doors = self.cloud.inner.tenants.doors();
        let own = |(_, tenant): &(Address, Arc<dyn Tenant>)| Arc::ptr_eq(tenant, &self.tenant);
        if doors.get(&door).is_some_and(own) {
            doors.remove(&door);
            drop(doors);
            self.cloud.tell_machine(&self.address, false);
        }
    }
}

impl Inner {
    /// Takes their addresses from the tenants of a unit, which has ended.
    pub(crate) fn evict(&self, instance: &str, unit: &str) {
        let place = Place::Instance(instance.to_owned());
        let mut doors = self.tenants.doors();
        doors.retain(|(at, _), (address, _)| *at != place || address.name != unit);
        drop(doors);
        let mut state = self.lock();
        let now = state.now;
        if let Some(host) = state.hosts.get_mut(instance) {
            host.evict(unit, now);
        }
    }
}

impl Cloud {
    /// Lets `tenant` answer at `address` until the [`Lodging`] is dropped.
    ///
    /// # Errors
    /// [`Taken`].
    pub fn lodge(&self, address: &Address, tenant: Arc<dyn Tenant>) -> Result<Lodging, Taken> {
        if let Place::Instance(id) = &address.place {
            let mut state = self.state();
            let now = state.now;
            let host = state.hosts.get_mut(id).filter(|host| host.is_on());
            let host = host.ok_or_else(|| Taken::Gone(id.clone()))?;
            if host.listens(address.port, now).is_ok() {
                return Err(Taken::Port(address.port));
            }
        }
        {
            let mut doors = self.inner.tenants.doors();
            let door = (address.place.clone(), address.port);
            if doors.contains_key(&door) {
                return Err(Taken::Port(address.port));
            }
            doors.insert(door, (address.clone(), Arc::clone(&tenant)));
        }
        self.tell_machine(address, true);
        Ok(Lodging {
            cloud: self.clone(),
            address: address.clone(),
            tenant,
        })
    }

    /// Lets the machine know who listens there.
    fn tell_machine(&self, address: &Address, comes: bool) {
        let mut state = self.state();
        let Place::Instance(id) = &address.place else {
            if comes {
                state.doors.insert(address.port, address.bind);
            } else {
                state.doors.remove(&address.port);
            }
            return;
        };
        let now = state.now;
        if let Some(host) = state.hosts.get_mut(id) {
            let lodger = comes.then(|| Lodger {
                bind: address.bind.to_string(),
                unit: address.name.clone(),
            });
            host.lodge(address.port, lodger, now);
        }
    }

    /// Who answers at a port of a machine, and where it listens.
    pub(crate) fn lodger(&self, place: &Place, port: u16) -> Option<(Address, Arc<dyn Tenant>)> {
        let door = (place.clone(), port);
        self.inner.tenants.doors().get(&door).cloned()
    }

    /// Asks a tenant, and waits for the answer on the calling thread's branch.
    ///
    /// # Errors
    /// Nobody is there, or it takes longer than `patience`.
    pub(crate) fn ask(
        &self,
        asked: &Asked,
        patience: Duration,
        stop: &dyn Fn() -> bool,
    ) -> Result<http::Response<Bytes>, Unreachable> {
        let (place, port) = &asked.door;
        let (_, tenant) = self.lodger(place, *port).ok_or(Unreachable::Refused)?;
        let clock = self.clock().clone();
        let answer = Arc::new(Mutex::new(None));
        clock.as_branch(|caller| {
            let branch = tenant.branch(&clock);
            let call = Call {
                cloud: self.clone(),
                branch: branch.clone(),
                client: asked.client.clone(),
                request: asked.request.clone(),
            };
            clock.announce(std::slice::from_ref(&branch));
            let started = answer_on_a_thread(tenant, call, caller.to_vec(), Arc::clone(&answer));
            if started.is_err() {
                clock.retract(&[branch]);
                return Err(Unreachable::Refused);
            }
            let patience = patience.min(asked.patience);
            let until = clock.now().checked_add(patience);
            let until = until.unwrap_or(jiff::Timestamp::MAX);
            loop {
                if let Some(answer) = take(&answer) {
                    return Ok(answer);
                }
                if clock.now() >= until {
                    return Err(Unreachable::Silent);
                }
                clock.doze(until, stop).map_err(|_| Unreachable::Silent)?;
            }
        })
    }
}

/// The question to the tenant on the caller's machine that a request is for, if one is.
pub(crate) fn at_caller(
    state: &State,
    host: &str,
    request: &http::Request<Bytes>,
    from: Ipv4Addr,
) -> Option<Asked> {
    let own = host == "localhost" || address_of(host).is_some_and(|to| to.is_loopback());
    let secure = request.uri().scheme_str() == Some("https");
    let port = request.uri().port_u16();
    let port = port.unwrap_or(if secure { 443 } else { 80 });
    let bind = state.doors.get(&port).filter(|_| !secure)?;
    if !own && (host != CALLER_ADDRESS || bind.is_loopback()) {
        return None;
    }
    Some(Asked {
        door: (Place::Caller, port),
        client: from.to_string(),
        request: request.clone(),
        patience: PATIENCE,
        back: Vec::new(),
    })
}

impl State {
    /// Tenants stay with their cloud when it is copied.
    pub(crate) fn leave_tenants(&mut self) {
        self.doors.clear();
        self.errands.clear();
        let now = self.now;
        for host in self.hosts.iter_mut() {
            host.clear_lodgers(now);
        }
    }
}

type Slot = Arc<Mutex<Option<http::Response<Bytes>>>>;

fn take(slot: &Slot) -> Option<http::Response<Bytes>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Starts the thread on which a tenant answers and then rouses who waits for it.
fn answer_on_a_thread(
    tenant: Arc<dyn Tenant>,
    call: Call,
    caller: Vec<u32>,
    slot: Slot,
) -> std::io::Result<()> {
    let work = move || {
        let clock = call.cloud.clock().clone();
        let here = clock.enter(&call.branch);
        let answer = catch_unwind(AssertUnwindSafe(|| tenant.answer(&call)));
        let answer = answer.unwrap_or_else(|_| {
            let mut broken = http::Response::new(Bytes::new());
            *broken.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
            broken
        });
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        clock.rouse(&caller);
        // The cloud ends with its last user: not while somebody who waits is told.
        drop(call);
        drop(tenant);
        drop(here);
    };
    std::thread::Builder::new()
        .name("tenant".to_owned())
        .stack_size(STACK)
        .spawn(work)
        .map(drop)
}
