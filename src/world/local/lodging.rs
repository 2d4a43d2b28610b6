//! A playbook's servers, inside of the embedded cloud.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use bytes::Bytes;
use opsh_cloud::Cloud;
use opsh_cloud::tenants::{Address, Call, Place, Tenant};
use opsh_operation::{Fault, FaultKind};

use crate::world::Answerer;

struct Lodger(Arc<dyn Answerer>);

impl Tenant for Lodger {
    fn answer(&self, call: &Call) -> http::Response<Bytes> {
        self.0.answer(call.request.clone(), &call.client)
    }
}

/// Lets `answerer` answer at `port` of the caller's machine in `cloud`, or of a simulated
/// host there as the service `unit`.
pub(super) fn lodge(
    cloud: &Cloud,
    (place, unit): (&Place, &str),
    bind: IpAddr,
    port: u16,
    answerer: Arc<dyn Answerer>,
) -> Result<Box<dyn Send>, Fault> {
    let bind = match bind {
        IpAddr::V4(bind) => bind,
        IpAddr::V6(bind) if bind.is_loopback() => Ipv4Addr::LOCALHOST,
        IpAddr::V6(bind) if bind.is_unspecified() => Ipv4Addr::UNSPECIFIED,
        IpAddr::V6(bind) => {
            return Err(Fault::new(
                FaultKind::NotModelled,
                format!("not modelled by the embedded cloud: listening on {bind}"),
            ));
        }
    };
    let address = match place {
        Place::Caller => Address::of_caller(bind, port),
        Place::Instance(id) => Address::of_host(id, unit, bind, port),
    };
    match cloud.lodge(&address, Arc::new(Lodger(answerer))) {
        Ok(lodging) => Ok(Box::new(lodging)),
        Err(taken) => Err(Fault::new(FaultKind::Failed, taken.to_string())),
    }
}
