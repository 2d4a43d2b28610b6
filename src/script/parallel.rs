//! `parallel::map`: a function over an array, on bounded threads.
//!
//! Each item is a branch with step identities of its own. In Local one branch
//! runs at a time, in order of the items.

use std::any::TypeId;
use std::sync::Arc;

use rhai::{
    Array, Dynamic, EvalAltResult, FnPtr, FuncRegistration, Module, NativeCallContext, RhaiFunc,
};

use super::engine::Runtime;
use super::values::to_value;
use crate::gate::branch::{self, Threads};
use crate::script::limits::stack_size;

/// Threads at once, if the playbook does not say.
const THREADS: usize = 8;
/// More threads than this help nobody.
const MOST_THREADS: usize = 64;

/// Adds `map` to the module `parallel`.
pub fn extend(name: &str, module: &mut Module, runtime: &Arc<Runtime>) {
    if name != "parallel" {
        return;
    }
    for count in [2, 3] {
        let runtime = Arc::clone(runtime);
        let function = move |context: Option<NativeCallContext>, arguments: &mut [&mut Dynamic]| {
            let Some(context) = context else {
                return Ok(Dynamic::UNIT);
            };
            map(&runtime, &context, arguments)
        };
        FuncRegistration::new("map")
            .in_internal_namespace()
            .set_into_module_raw(
                module,
                vec![TypeId::of::<Dynamic>(); count],
                RhaiFunc::Pure {
                    func: Arc::new(function),
                    has_context: true,
                    is_pure: false,
                    is_volatile: true,
                },
            );
    }
}

#[allow(deprecated)] // volatile API of Rhai, pinned: the only way to keep imports in another thread
fn map(
    runtime: &Runtime,
    context: &NativeCallContext,
    arguments: &mut [&mut Dynamic],
) -> Result<Dynamic, Box<EvalAltResult>> {
    let items = arguments[0]
        .flatten_clone()
        .try_cast::<Array>()
        .ok_or("parallel::map: the first argument must be an array")?;
    let function = arguments[1]
        .flatten_clone()
        .try_cast::<FnPtr>()
        .ok_or("parallel::map: the second argument must be a function of one item")?;
    let threads = match arguments.get(2) {
        Some(options) => threads(options)?,
        None => THREADS,
    };
    let fork = branch::next_step().0;
    if items.is_empty() {
        return Ok(Dynamic::from_array(Array::new()));
    }
    // Captured variables are shared locks with a short try limit: every branch gets copies.
    let function = without_shared_captures(&function);
    #[allow(deprecated)]
    // volatile API of Rhai, pinned: the only way to keep imports in another thread
    let store = context.store_data();
    let engine = context.engine();
    let items = (0..)
        .zip(items.into_iter().map(|item| item.flatten_clone()))
        .collect();
    let threads = Threads {
        most: threads,
        stack_size: stack_size(),
    };
    let world = runtime.gate.world.as_ref();
    let results = branch::each(world, &fork, items, threads, |item: Dynamic| {
        let context = store.create_context(engine);
        function.call_within_context::<Dynamic>(&context, (item,))
    })
    .map_err(|error| format!("parallel::map: no thread can be started: {error}"))?;
    // The first failure in order of items, whichever came first in time.
    results
        .into_iter()
        .map(|result| result.unwrap_or_else(|| Err("a branch ended without a result".into())))
        .collect::<Result<Array, _>>()
        .map(Dynamic::from_array)
}

fn threads(options: &Dynamic) -> Result<usize, Box<EvalAltResult>> {
    let value = to_value(options)?;
    let count = value.get("threads").and_then(opsh_operation::Value::as_int);
    let unknown = value
        .as_map()
        .and_then(|map| map.keys().find(|name| *name != "threads"));
    if let Some(unknown) = unknown {
        return Err(
            format!("parallel::map: unknown parameter '{unknown}'; it takes 'threads'").into(),
        );
    }
    match count.map(usize::try_from) {
        None => Ok(THREADS),
        Some(Ok(count @ 1..=MOST_THREADS)) => Ok(count),
        Some(_) => Err(format!("parallel::map: 'threads' must be from 1 to {MOST_THREADS}").into()),
    }
}

fn without_shared_captures(function: &FnPtr) -> FnPtr {
    let mut own = function.clone();
    for captured in own.iter_curry_mut() {
        *captured = captured.flatten_clone();
    }
    own
}
