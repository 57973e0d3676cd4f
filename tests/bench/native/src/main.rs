//! The native sides of the benchmark `inference`, compiled for the processor that they run on.

#[path = "../../benches/inference/native.rs"]
mod native;
#[path = "../../benches/inference/work.rs"]
mod work;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    native::run(&args);
}
