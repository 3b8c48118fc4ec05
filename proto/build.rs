//! Generates the Rust types of otto/v1/*.proto, with a compiler written in Rust, so that no protoc is needed.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=otto");
    let files = protox::compile(["otto/v1/journal.proto", "otto/v1/session.proto", "otto/v1/vehicle.proto"], ["."])?;
    prost_build::Config::new().compile_fds(files)?;
    Ok(())
}
