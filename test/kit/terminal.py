"""Runs a command in a pseudo-terminal. Lines of JSON on stdin drive it: {"keys": "q"}, {"size": [rows, columns]},
{"signal": 15}. What the command draws goes to stdout. At the end a line of JSON on stderr: its exit code, and whether the
terminal's settings are what they were before."""

import fcntl, json, os, pty, select, signal, struct, subprocess, sys, termios


def resize(fd, size):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[0], size[1], 0, 0))


master, slave = pty.openpty()
resize(master, [24, 100])
before = termios.tcgetattr(slave)
child = subprocess.Popen(sys.argv[1:], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                         preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
sources = [master, sys.stdin.fileno()]
pending = b""
while child.poll() is None:
    for ready in select.select(sources, [], [], 0.05)[0]:
        if ready == master:
            os.write(1, os.read(master, 65536))
            continue
        chunk = os.read(ready, 65536)
        if chunk == b"":
            sources = [master]
        pending += chunk
        while b"\n" in pending:
            line, pending = pending.split(b"\n", 1)
            order = json.loads(line)
            if "keys" in order:
                os.write(master, order["keys"].encode())
            if "size" in order:
                resize(master, order["size"])
                child.send_signal(signal.SIGWINCH)
            if "signal" in order:
                child.send_signal(order["signal"])
while select.select([master], [], [], 0.1)[0]:
    os.write(1, os.read(master, 65536))
sys.stderr.write(json.dumps({"code": child.returncode, "restored": termios.tcgetattr(slave) == before}) + "\n")
