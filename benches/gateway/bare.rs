//! The baseline: actix and nothing else, the same bytes at the same paths, as many workers as the engine has.

use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use bytes::Bytes;

const WORKERS: usize = 2;

/// `arguments`: a path and a file with its bytes, again and again.
pub fn serve(arguments: &[String]) {
    let routes: Vec<(String, Bytes)> = arguments
        .chunks_exact(2)
        .map(|pair| (pair[0].clone(), std::fs::read(&pair[1]).expect("the bytes to answer").into()))
        .collect();
    let served = actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            routes
                .iter()
                .cloned()
                .fold(App::new(), |app, (path, body)| app.route(&path, web::get().to(move || answer(body.clone()))))
        });
        let server = server.workers(WORKERS).keep_alive(Duration::from_secs(30)).bind("127.0.0.1:0").expect("a port");
        println!("listening at=http://{}", server.addrs()[0]);
        server.run().await
    });
    served.expect("a server");
}

async fn answer(body: Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(body)
}
