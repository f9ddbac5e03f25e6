//! The program. All of it is in the library beside this file, so that tests and fuzz targets can reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    neerc::main()
}
