//! Generates the Rust types of otto/v1/*.proto, with a compiler written in Rust, so that no protoc is needed.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=otto");
    let names = ["cache", "journal", "session", "vehicle"].map(|name| format!("otto/v1/{name}.proto"));
    let files = protox::compile(names, ["."])?;
    prost_build::Config::new().boxed(".otto.v1.CustomerEntry.body.on_file").compile_fds(files)?;
    Ok(())
}
