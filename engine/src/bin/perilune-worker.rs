//! A worker: what [`perilune::Workers::program`] can be where a host is no program of its own, as a library of another language is none.

fn main() -> std::process::ExitCode {
    perilune::worker::init();
    #[expect(clippy::print_stderr, reason = "it is a program")]
    {
        eprintln!("perilune-worker: a host of Perilune starts this, and speaks with it");
    }
    std::process::ExitCode::from(2)
}
