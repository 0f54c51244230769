"""Applications with their own client programs, beside those of test_path.py: MariaDB, whose server speaks first, and Redis."""

import concurrent.futures
import hashlib
import os

import pytest

from harness import apps, proc


@pytest.fixture(scope="module")
def stock(world, anna):
    """Arguments for mariadb's own programs: the database through the tunnel."""
    app = world.start_app(apps.Mariadb)
    world.wait_app(app)
    app.fill()
    record = world.console.add_app("stock", world.site, world.private, app.port)
    address, port = proc.until("anna sees it", 20, lambda: anna.run("up", "stock").code == 0 and anna.address_of("stock"))
    options = anna.home / "my.cnf"
    options.write_text(f"[client]\nhost={address}\nport={port}\nuser=report\npassword={app.password}\nskip-ssl\nmax-allowed-packet=32M\n")
    os.chown(options, anna.uid, anna.uid)
    yield [f"--defaults-file={options}"]
    anna.run("down", "stock")
    app.stop()
    world.console.call("DELETE", f"/apps/{record['id']}", headers={"If-Match": f'"{record["version"]}"'})


@pytest.fixture(scope="module")
def redis(world, anna):
    """The command line of redis-cli through the tunnel."""
    app = world.start_app(apps.Redis)
    world.wait_app(app)
    record = world.console.add_app("cache", world.site, world.private, app.port)
    address, port = proc.until("anna sees it", 20, lambda: anna.run("up", "cache").code == 0 and anna.address_of("cache"))
    yield app, ["redis-cli", "-h", address, "-p", str(port)]
    anna.run("down", "cache")
    app.stop()
    world.console.call("DELETE", f"/apps/{record['id']}", headers={"If-Match": f'"{record["version"]}"'})


def sql(anna, stock, statement, **more):
    return anna.shell("mariadb", *stock, "-N", "-B", "stock", "-e", statement, **more)


@pytest.mark.parametrize("port", [3306, 6379])
def test_ZT_6_they_cannot_be_reached_directly(world, stock, redis, port):
    assert apps.answers(world.connector_node, world.private, port)
    assert not apps.answers(world.client, world.private, port)
    assert not apps.answers(world.edge, world.private, port)


def test_mariadb_speaks_first_and_gives_all_rows(anna, stock):
    done = sql(anna, stock, "select count(*), sum(id) from items; select name from items where id = 999")
    assert done.out.split("\n")[:2] == ["1000\t500500", "item 999"], done


def test_mariadb_takes_and_gives_a_large_row(anna, stock):
    """12 MiB up in one statement, and their hash by the server; then down again."""
    data = os.urandom(6 << 20)
    statement = anna.home / "large.sql"
    statement.write_text(f"update items set bytes = x'{data.hex()}' where id = 1; select sha2(bytes, 256) from items where id = 1;\n")
    os.chown(statement, anna.uid, anna.uid)
    done = anna.shell("sh", "-c", f"mariadb {stock[0]} -N -B stock < {statement}")
    assert done.out.strip() == hashlib.sha256(data).hexdigest(), done
    down = sql(anna, stock, "select hex(bytes) from items where id = 1")
    assert bytes.fromhex(down.out.strip()) == data


def test_mariadb_transactions_of_many_clients_are_each_their_own(anna, stock):
    sql(anna, stock, "create table sums(n int); insert into sums values (0)")

    def add(n):
        return sql(anna, stock, f"start transaction; update sums set n = n + {n}; do sleep(0.05); {'commit' if n % 2 else 'rollback'}").code
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(add, range(16))) == {0}
    assert sql(anna, stock, "select n from sums").out.strip() == str(sum(range(1, 16, 2)))


def test_mariadb_dump_is_the_same_as_beside_the_server(world, anna, stock):
    arguments = ["--skip-dump-date", "--skip-comments", "stock", "items"]
    here = anna.shell("mariadb-dump", *stock, *arguments)
    app = world.apps["mariadb"]
    there = proc.command(app.node, ["mariadb-dump", "--no-defaults", f"--socket={app.socket}", "-u", "root", "--max-allowed-packet=32M", *arguments])
    assert here.code == 0 and there.code == 0 and here.out == there.out and "item 1000" in here.out, here


def test_mariadb_own_refusal_arrives(anna, stock):
    done = anna.shell("mariadb", *stock, "--password=wrong", "-e", "select 1")
    assert done.code == 1 and "Access denied" in done.err, done


# ---- Redis ----

def cli(anna, redis, *words, **more):
    app, line = redis
    return anna.shell(*line, *words, env={"REDISCLI_AUTH": app.password}, **more)


def test_redis_keeps_bytes_as_they_are(anna, redis):
    app, line = redis
    data = anna.home / "value"
    data.write_bytes(os.urandom(4 << 20))
    os.chown(data, anna.uid, anna.uid)
    done = anna.shell("sh", "-c", f"{' '.join(line)} -x set value < {data} && {' '.join(line)} get value", env={"REDISCLI_AUTH": app.password}, binary=True)
    assert done.out == b"OK\n" + data.read_bytes() + b"\n", done.err


def test_redis_takes_a_long_pipeline(anna, redis):
    app, line = redis
    pipe = anna.home / "pipe"
    pipe.write_text("".join(f"incrby sum {n}\r\n" for n in range(20_000)))
    os.chown(pipe, anna.uid, anna.uid)
    done = anna.shell("sh", "-c", f"{' '.join(line)} --pipe < {pipe}", env={"REDISCLI_AUTH": app.password})
    assert "errors: 0, replies: 20000" in done.out, done
    assert cli(anna, redis, "get", "sum").out.strip() == str(sum(range(20_000)))


def test_redis_pushes_to_who_listens(world, anna, redis):
    """The server speaks when it wants: a message to a subscriber, and a list to who waits for it."""
    app, line = redis
    env = {**anna.env, "REDISCLI_AUTH": app.password}
    listening = proc.Program(world.client, [*line, "subscribe", "news"], world.logs / "redis-subscribe.log", user="anna", env=env)
    waiting = proc.Program(world.client, [*line, "blpop", "queue", "0"], world.logs / "redis-blpop.log", user="anna", env=env)
    try:
        proc.until("it listens", 20, lambda: cli(anna, redis, "publish", "news", "hello from there").out.strip() == "1")
        listening.wait_text("hello from there")
        proc.until("it waits", 20, lambda: "blocked_clients:1" in cli(anna, redis, "info", "clients").out)
        cli(anna, redis, "rpush", "queue", "at last")
        assert waiting.wait_exit(20) == 0 and "at last" in waiting.text()
    finally:
        listening.stop()
        waiting.stop()


def test_redis_own_refusal_arrives(anna, redis):
    _, line = redis
    assert "NOAUTH" in anna.shell(*line, "get", "value").out
