//! ec2.

use serde::{Deserialize, Serialize};

use crate::api::{ApiError, ApiRequest, ApiResponse};

/// What there is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {}

/// What happens later.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Event {}

/// Answers a request.
///
/// # Errors
/// The service's own refusals.
pub fn handle(
    _cloud: &mut crate::state::State,
    request: &ApiRequest,
) -> Result<ApiResponse, ApiError> {
    Err(ApiError::not_modelled(format_args!(
        "{}:{}",
        request.service, request.action
    )))
}

/// Lets a planned event happen.
pub fn happen(_cloud: &mut crate::state::State, event: Event) {
    match event {}
}

/// Furnishes a new account: default VPC, subnets, security group, images.
pub fn furnish(_cloud: &mut crate::state::State) {}
