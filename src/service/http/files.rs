//! Folders of files for everybody to see.
//!
//! What is hidden stays hidden: no file or folder whose name begins with a dot, nothing
//! outside of the folder, also through symbolic links, no listing of a folder.

use std::path::{Path, PathBuf};

use axum::body::Body;
use http::{Request, Response, StatusCode, Uri};
use tower_http::services::{ServeDir, ServeFile};

use super::response::of_status;

/// Answers a request for what is at `rest` below `folder`, which stands at `prefix`.
pub async fn below(
    folder: &Path,
    prefix: &str,
    rest: &[String],
    request: Request<()>,
) -> Response<Body> {
    if inside(folder, rest).is_none() {
        return of_status(StatusCode::NOT_FOUND, "");
    }
    let path = rest
        .iter()
        .map(|part| {
            percent_encoding::utf8_percent_encode(part, percent_encoding::NON_ALPHANUMERIC)
                .to_string()
        })
        .collect::<Vec<_>>()
        .join("/");
    let slash = if request.uri().path().ends_with('/') && !rest.is_empty() {
        "/"
    } else {
        ""
    };
    let Ok(uri) = format!("/{path}{slash}").parse::<Uri>() else {
        return of_status(StatusCode::NOT_FOUND, "");
    };
    let request = moved(request, uri);
    let mut folder = ServeDir::new(folder)
        .append_index_html_on_directories(true)
        .redirect_path_prefix(prefix);
    sent(folder.try_call(request).await)
}

/// Answers a request with the file at `path`.
pub async fn one(path: &Path, request: Request<()>) -> Response<Body> {
    let mut file = ServeFile::new(path);
    sent(file.try_call(request).await)
}

/// The same request for another place.
fn moved(request: Request<()>, uri: Uri) -> Request<()> {
    let (mut parts, ()) = request.into_parts();
    parts.uri = uri;
    Request::from_parts(parts, ())
}

fn sent<B>(response: std::io::Result<Response<B>>) -> Response<Body>
where
    B: axum::body::HttpBody<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    match response {
        // Its own words for what is not there.
        Ok(response) if response.status().is_client_error() => of_status(response.status(), ""),
        Ok(response) => response.map(Body::new),
        Err(_) => of_status(StatusCode::NOT_FOUND, ""),
    }
}

/// Where `rest` leads, if it is there and may be seen.
fn inside(folder: &Path, rest: &[String]) -> Option<PathBuf> {
    if rest.iter().any(|part| part.starts_with('.')) {
        return None;
    }
    let real = rest
        .iter()
        .fold(folder.to_path_buf(), |path, part| path.join(part));
    let real = real.canonicalize().ok()?;
    let below = real.strip_prefix(folder.canonicalize().ok()?).ok()?;
    let hidden = below
        .components()
        .any(|part| part.as_os_str().to_string_lossy().starts_with('.'));
    (!hidden).then_some(real)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_what_may_be_seen_is_inside() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("public");
        std::fs::create_dir_all(folder.join("sub/.git")).unwrap();
        for (name, text) in [
            ("public/a.txt", "a"),
            ("public/.env", "s"),
            ("secret", "s"),
            ("public/sub/.git/x", "s"),
        ] {
            std::fs::write(outer.path().join(name), text).unwrap();
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::symlink;
            symlink(outer.path().join("secret"), folder.join("link")).unwrap();
            symlink(folder.join(".env"), folder.join("env")).unwrap();
            symlink(folder.join("a.txt"), folder.join("b.txt")).unwrap();
        }
        let seen = |path: &str| {
            let rest: Vec<String> = path.split('/').map(str::to_owned).collect();
            inside(&folder, &rest).is_some()
        };
        assert!(seen("a.txt"));
        assert!(seen("sub"));
        assert!(!seen(".env"));
        assert!(!seen("sub/.git/x"));
        assert!(!seen("none"));
        #[cfg(unix)]
        {
            assert!(seen("b.txt"));
            assert!(!seen("link"), "a link out of the folder");
            assert!(!seen("env"), "a link to what is hidden");
        }
    }
}
