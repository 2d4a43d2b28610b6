#!/bin/bash
# The files that visitors give to the application: a program behind its web server (CGI).
#
#   POST /uploads/NAME          keeps what the request brings, and answers with its path
#   GET  /uploads/DIGEST/NAME   gives it, from here or from where it has been moved to
#
# A file is written whole before the row about it, and who is answered 201 has both. The
# database is this instance's own: an image of the machine brings no rows along.
set -u
umask 022
folder=/var/www/uploads
database=/var/lib/app/$(cat /var/lib/cloud/data/instance-id).db
limit=10485760

answer() { # STATUS TEXT
    # Who sends something is heard out, or would miss the answer.
    [ "$REQUEST_METHOD" != POST ] || cat > /dev/null
    printf 'Status: %s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\n' "$1" "$2"
    exit 0
}

path=${PATH_INFO:-/}
path=${path#/}

if [ "$REQUEST_METHOD" = POST ]; then
    name=${path//[^A-Za-z0-9._-]/-}
    name=${name:0:100}
    case $name in
        '' | .* | -*) answer '400 Bad Request' 'the path must end with the name of the file' ;;
    esac
    [ "${CONTENT_LENGTH:-0}" -gt 0 ] || answer '400 Bad Request' 'the request brings no file'
    [ "$CONTENT_LENGTH" -le "$limit" ] || answer '413 Content Too Large' "a file may have $limit bytes"
    part=$(mktemp "$folder/.part.XXXXXXXXXX") || answer '500 Internal Server Error' 'there is no room'
    tee "$part" > /dev/null || answer '500 Internal Server Error' 'there is no room'
    digest=$(sha256sum "$part")
    digest=${digest%% *}
    file=$folder/$digest-$name
    chmod 644 "$part"
    mv "$part" "$file"
    sqlite3 -batch -cmd '.timeout 10000' "$database" <<SQL || answer '500 Internal Server Error' 'the file could not be noted'
{{ schema }}
INSERT INTO uploads (name, path) SELECT '$name', '$file' WHERE NOT EXISTS (SELECT 1 FROM uploads WHERE path = '$file');
SQL
    answer '201 Created' "/uploads/$digest/$name"
fi

digest=${path%%/*}
name=${path#*/}
if [[ ! $digest =~ ^[0-9a-f]{64}$ || ! $name =~ ^[A-Za-z0-9_][A-Za-z0-9._-]*$ ]]; then
    answer '404 Not Found' 'there is no such file'
fi
if [ -f "$folder/$digest-$name" ]; then
    # The server itself gives it.
    printf 'Location: /uploaded/%s\r\n\r\n' "$digest-$name"
else
    printf 'Status: 302 Found\r\nLocation: %s\r\n\r\n' "{{ moved }}$digest/$name"
fi
