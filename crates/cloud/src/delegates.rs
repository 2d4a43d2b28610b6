//! Services that are not this crate's own.

use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::state::State;

/// Answers a request.
///
/// # Errors
/// The service's own refusals.
pub fn handle(_cloud: &mut State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    Err(ApiError::not_modelled(format_args!(
        "{}:{}",
        request.service, request.action
    )))
}
