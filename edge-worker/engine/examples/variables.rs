//! Prints the variables and bindings of the gateway as JSON, for `scripts/docs.mjs`.

use std::io::{self, Write};

use vtryon_gateway_engine::text::json;
use vtryon_gateway_engine::variables::{BINDINGS, VARIABLES};

fn main() -> io::Result<()> {
    let [variables, bindings] = [json::to_string(&VARIABLES), json::to_string(&BINDINGS)];
    writeln!(io::stdout(), r#"{{"variables":{variables},"bindings":{bindings}}}"#)
}
