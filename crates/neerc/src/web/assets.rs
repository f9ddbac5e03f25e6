//! The files that pages need, in the program itself, under names that change with what is in them.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use ring::digest;
use std::sync::LazyLock;

/// A file.
struct Asset {
    /// Its name in addresses.
    name: String,
    kind: &'static str,
    bytes: &'static str,
}

/// The names of the files, for pages.
#[derive(Debug, Clone, Copy)]
pub struct AssetNames {
    /// How pages look.
    pub style: &'static str,
    /// What keeps them true.
    pub live: &'static str,
    /// What waits until a code was confirmed.
    pub login: &'static str,
    /// What turns the pages of a wall.
    pub wall: &'static str,
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::of(
        "style",
        "css",
        "text/css; charset=utf-8",
        concat!(include_str!("assets/style.css"), include_str!("assets/timeline.css"), include_str!("assets/wall.css")),
    )
});
static LIVE: LazyLock<Asset> =
    LazyLock::new(|| Asset::of("live", "js", "text/javascript; charset=utf-8", include_str!("assets/live.js")));
static LOGIN: LazyLock<Asset> =
    LazyLock::new(|| Asset::of("login", "js", "text/javascript; charset=utf-8", include_str!("assets/login.js")));
static WALL: LazyLock<Asset> =
    LazyLock::new(|| Asset::of("wall", "js", "text/javascript; charset=utf-8", include_str!("assets/wall.js")));

impl Asset {
    fn of(stem: &str, ending: &str, kind: &'static str, bytes: &'static str) -> Asset {
        let digest = digest::digest(&digest::SHA256, bytes.as_bytes());
        let hash: String = digest.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Asset { name: format!("{stem}-{hash}.{ending}"), kind, bytes }
    }
}

/// The names of the files.
pub fn names() -> AssetNames {
    AssetNames { style: &STYLE.name, live: &LIVE.name, login: &LOGIN.name, wall: &WALL.name }
}

/// A file by its name.
pub async fn serve(Path(name): Path<String>) -> Response {
    let found = [&*STYLE, &*LIVE, &*LOGIN, &*WALL].into_iter().find(|asset| asset.name == name);
    match found {
        Some(asset) => {
            let headers = [(CONTENT_TYPE, asset.kind), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
            (headers, asset.bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
