//! The fault proxy as a program: `zmart-proxy RPC_URL WS_URL [--rpc PLACE] [--ws PLACE] [--program ID]`.
//!
//! Prints `ready rpc=… ws=…`, then takes commands from its standard input, a line each (`help` lists them), and ends with
//! it.

use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use zmart_testkit::{
    chain::PROGRAM,
    proxy::{Proxy, console::Console},
};

const USAGE: &str = "usage: zmart-proxy RPC_URL WS_URL [--rpc HOST:PORT] [--ws HOST:PORT] [--program ID]";

#[tokio::main]
async fn main() {
    let mut words = std::env::args().skip(1);
    let mut urls = Vec::new();
    let (mut places, mut program) = (["127.0.0.1:0".to_owned(), "127.0.0.1:0".to_owned()], PROGRAM.to_owned());
    while let Some(word) = words.next() {
        let place = match word.as_str() {
            "--rpc" => &mut places[0],
            "--ws" => &mut places[1],
            "--program" => &mut program,
            _ => {
                urls.push(word);
                continue;
            }
        };
        *place = words.next().unwrap_or_else(|| exit(USAGE));
    }
    let [rpc_url, ws_url] = urls.as_slice() else { exit(USAGE) };
    let Ok(program) = program.parse() else { exit("the program's id is none") };
    let proxy = Proxy::on([&places[0], &places[1]], rpc_url, ws_url, program).await;
    println!("ready rpc={} ws={}", proxy.rpc_url, proxy.ws_url);
    let mut console = Console::new(proxy.handle());
    let mut lines = BufReader::new(stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        println!("{}", console.say(&line).await);
    }
}

fn exit(why: &str) -> ! {
    eprintln!("{why}");
    std::process::exit(2)
}
