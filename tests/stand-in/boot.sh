#!/usr/bin/env bash
# boot.sh FOLDER PYTHON SSH_FD HTTP_FD [DISK], the instance as JSON on standard input: first process
# of a machine (machine.py). Lays a writable copy of this machine's files over a memory disk, so
# that nothing that happens in it reaches the files outside, beginning with those of DISK, which an
# earlier machine has left; gives it the link-local address of the instance metadata service; then
# leaves the rest to guest.py and reaps what daemons leave behind.
set -euo pipefail
folder=$1 python=$2 ssh=$3 http=$4 disk=${5:-}
here=$(cd "$(dirname "$0")" && pwd)

mount -t tmpfs -o mode=755 machine "$folder"
mkdir "$folder"/{upper,work,root}
[ -z "$disk" ] || tar --xattrs --xattrs-include='*' -C "$folder/upper" -xpf "$disk"
mount -t overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" machine "$folder/root"
root=$folder/root
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
ip link set lo up
ip address add 169.254.169.254/32 dev lo

# What Amazon Linux has and this machine lacks; each file says what it does instead.
if [ -z "$disk" ]; then
    install -m 755 "$here"/bin/* "$root/usr/local/bin/"
    mkdir -p "$root/opt/stand-in"
    cp -r "$here/httpd" "$root/opt/stand-in/"
    chroot "$root" useradd --create-home --shell /bin/bash --password '*' ec2-user
    echo 'ec2-user ALL=(ALL) NOPASSWD: ALL' > "$root/etc/sudoers.d/ec2-user"
    # All of port 80 is not to be had: the metadata service is at its own address of it.
    rm -f "$root/etc/nginx/sites-enabled/default"
    rm -rf "$root"/var/www "$root"/etc/httpd "$root"/etc/logrotate.d/{apache2,httpd}
fi

instance=$(cat)
"$python" "$here/guest.py" "$root" "$ssh" "$http" <<< "$instance" &
wait $!
