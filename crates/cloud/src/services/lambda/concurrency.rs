//! How many runs a function may have at once.
//!
//! Source: developer guide, "Configuring reserved concurrency for a function".

use serde::Deserialize;
use serde_json::{Value, json};

use super::{invalid, name, unfit};
use crate::api::ApiError;
use crate::state::State as Cloud;

/// How many runs all functions may have at once.
pub const ACCOUNT: u32 = 1000;
/// How many of them must stay for functions that have none reserved.
const UNRESERVED: u32 = 100;

/// The parameters of `PutFunctionConcurrency`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Put {
    function_name: String,
    reserved_concurrent_executions: i64,
}

/// Reserves runs for a function, which can then have no more.
///
/// # Errors
/// More than can be spared.
pub fn put(cloud: &mut Cloud, input: &Put) -> Result<Value, ApiError> {
    let wanted = input.reserved_concurrent_executions;
    let wanted = u32::try_from(wanted).map_err(|_| {
        unfit(
            &wanted.to_string(),
            "reservedConcurrentExecutions",
            "have value greater than or equal to 0",
        )
    })?;
    let name = name::find(cloud, &input.function_name, None)?.name.clone();
    let others: u32 = cloud
        .lambda
        .functions
        .values()
        .filter(|function| function.name != name)
        .filter_map(|function| function.reserved)
        .sum();
    if others.saturating_add(wanted) > ACCOUNT - UNRESERVED {
        return Err(invalid(format!(
            "Specified ReservedConcurrentExecutions for function decreases account's \
             UnreservedConcurrentExecution below its minimum value of [{UNRESERVED}]."
        )));
    }
    name::find_mut(cloud, &name)?.reserved = Some(wanted);
    Ok(json!({"ReservedConcurrentExecutions": wanted}))
}

/// The parameter that names a function.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Named {
    function_name: String,
}

/// What is reserved; nothing says nothing.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn get(cloud: &Cloud, input: &Named) -> Result<Value, ApiError> {
    let function = name::find(cloud, &input.function_name, None)?;
    Ok(match function.reserved {
        Some(reserved) => json!({"ReservedConcurrentExecutions": reserved}),
        None => json!({}),
    })
}

/// Ends the reservation.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn delete(cloud: &mut Cloud, input: &Named) -> Result<Value, ApiError> {
    name::find_mut(cloud, &input.function_name)?.reserved = None;
    Ok(json!({}))
}
