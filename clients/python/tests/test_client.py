"""Runs against a server with the demo site: INKSTONE_URL, INKSTONE_ADMIN_EMAIL, INKSTONE_ADMIN_PASSWORD."""

import os
import threading
import time
import unittest
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
from inkstone_client import ImportFailed, Inkstone, Problem, Tokens, imports

URL = os.environ["INKSTONE_URL"]
LOGIN = os.environ["INKSTONE_ADMIN_EMAIL"], os.environ["INKSTONE_ADMIN_PASSWORD"]


def unique(word: str) -> str:
    return f"{word}-{uuid.uuid4().hex}"


class Spy(httpx.BaseTransport):
    """Notes the requests, and lets a test change the answers."""

    def __init__(self, change: Callable[[httpx.Request], httpx.Response | None] = lambda request: None) -> None:
        self.change = change
        self.seen: list[tuple[str, int]] = []
        self.inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self.change(request) or self.inner.handle_request(request)
        self.seen.append((request.url.path, response.status_code))
        return response

    def close(self) -> None:
        self.inner.close()


def signed_in(**options: Any) -> Inkstone:
    site = Inkstone(URL, **options)
    site.login(*LOGIN)
    return site


def earlier_tokens(**changes: Any) -> Tokens:
    """The tokens of a session, as a store gives them back."""
    kept: list[Tokens | None] = []
    signed_in(on_tokens=kept.append)
    tokens = kept[-1]
    assert tokens is not None
    return {**tokens, **changes}  # type: ignore[typeddict-item]


class Reading(unittest.TestCase):
    def test_a_walk_sees_each_article_once_with_the_picked_keys(self) -> None:
        with Inkstone(URL) as site:
            query = {"sort": ["title", "-published_at"], "fields": ["title", "slug"], "page_size": 3}
            cards = list(site.articles(**query))
            total = site.request("GET", "articles", count=True).json()["page"]["total"]
        self.assertEqual(len({card["id"] for card in cards}), total)
        self.assertEqual(set(cards[0]), {"id", "title", "slug"})
        titles = [card["title"].encode() for card in cards]
        self.assertEqual(titles, sorted(titles))

    def test_what_has_not_changed_is_not_sent_again(self) -> None:
        spy = Spy()
        site = Inkstone(URL, transport=spy)
        first = site.categories()
        self.assertEqual(site.categories(), first)
        self.assertEqual([status for _, status in spy.seen], [200, 304])
        spy = Spy()
        site = Inkstone(URL, transport=spy, remember=0)
        self.assertEqual([site.categories(), site.categories()], [first, first])
        self.assertEqual([status for _, status in spy.seen], [200, 200])

    def test_only_the_answers_that_were_asked_for_last_are_kept(self) -> None:
        spy = Spy()
        site = Inkstone(URL, transport=spy, remember=2)
        for page in [1, 2, 1, 3, 1, 2]:
            site.get("articles", page=page, page_size=1)
        self.assertEqual([status for _, status in spy.seen], [200, 200, 304, 200, 304, 200])

    def test_what_is_kept_is_bounded_by_its_size(self) -> None:
        spy = Spy()
        site = Inkstone(URL, transport=spy)
        size = len(site.request("GET", "categories").content)
        for room, statuses in [(size, [200, 304, 200, 200]), (size - 1, [200, 200, 200, 200])]:
            spy = Spy()
            site = Inkstone(URL, transport=spy, remember_bytes=room)
            for path in ["categories", "categories", "site", "categories"]:
                site.get(path)
            self.assertEqual([status for _, status in spy.seen], statuses)

    def test_the_pages_of_a_walk_are_not_kept(self) -> None:
        spy = Spy()
        site = Inkstone(URL, transport=spy)
        for _ in range(2):
            list(site.articles(page_size=5))
        pages = len(spy.seen) // 2
        self.assertEqual([status for _, status in spy.seen], [200] * pages + [304] + [200] * (pages - 1))

    def test_the_304_that_a_caller_asks_for_is_theirs(self) -> None:
        site = Inkstone(URL)
        etag = site.request("GET", "categories").headers["etag"]
        response = site.request("GET", "categories", headers={"If-None-Match": etag})
        self.assertEqual((response.status_code, response.content), (304, b""))
        self.assertEqual(site.request("GET", "categories").status_code, 200)

    def test_an_empty_list_is_no_parameter(self) -> None:
        site = Inkstone(URL)
        self.assertEqual(site.request("GET", "articles", tag=[], sort=()).url.query, b"")
        self.assertEqual(len(site.get("articles", tag=[])), len(site.get("articles")))

    def test_an_id_that_a_url_loses_is_refused(self) -> None:
        spy = Spy()
        site = Inkstone(URL, transport=spy)
        for lost in [".", "..", ""]:
            with self.assertRaises(ValueError):
                site.article(lost)
            with self.assertRaises(ValueError):
                site.update_article(lost, {})
        for path in ["articles/..", "articles/../members", "articles/%2e%2E/members", "./articles"]:
            with self.assertRaises(ValueError):
                site.request("DELETE", path)
        self.assertEqual(spy.seen, [])

    def test_a_redirect_is_not_followed_with_the_key(self) -> None:
        moved = httpx.Response(308, headers={"location": "https://elsewhere.example/api/v1/site"})
        spy = Spy(lambda request: moved)
        with Inkstone(URL, key="ink_secret", transport=spy) as site, self.assertRaises(Problem) as refused:
            site.get("site")
        self.assertEqual((refused.exception.code, len(spy.seen)), ("http_308", 1))
        self.assertIn("https://elsewhere.example/api/v1/site", str(refused.exception))

    def test_a_refusal_is_a_problem_with_its_faults(self) -> None:
        with signed_in() as site, self.assertRaises(Problem) as refused:
            site.create_article({"title": "x" * 301, "category": "none"})
        fault = refused.exception.fault("/title")
        assert fault is not None
        self.assertEqual((refused.exception.status, fault["code"]), (422, "too_long"))
        with Inkstone(URL) as site, self.assertRaises(Problem) as refused:
            site.article(unique("none"))
        self.assertEqual((refused.exception.code, refused.exception.faults), ("not_found", []))

    def test_a_failure_without_a_problem_document_has_the_status_as_its_code(self) -> None:
        away = httpx.Response(502, html="<h1>Bad Gateway</h1>", headers={"retry-after": "7"})
        with Inkstone(URL, transport=Spy(lambda request: away)) as site, self.assertRaises(Problem) as refused:
            site.get("site")
        self.assertEqual((refused.exception.code, refused.exception.retry_after), ("http_502", 7))


class Writing(unittest.TestCase):
    def test_a_change_of_a_version_that_was_changed_meanwhile_is_refused(self) -> None:
        with signed_in() as site:
            article = site.create_article({"title": unique("Two editors"), "extra": {"layout": "wide"}})
            self.assertEqual(article["extra"]["layout"], "wide")
            changed = site.update_article(article["id"], {"title": "One"}, version=article["version"])
            self.assertEqual(changed["version"], 2)
            with self.assertRaises(Problem) as refused:
                site.update_article(article["slug"], {"title": "Other"}, version=article["version"])
        self.assertEqual(refused.exception.code, "version_mismatch")
        self.assertEqual(refused.exception.document["current_version"], 2)

    def test_under_one_idempotency_key_an_article_is_created_once(self) -> None:
        with signed_in() as site:
            key, title = unique("key"), unique("Once")
            first = site.create_article({"title": title}, idempotency_key=key)
            self.assertEqual(site.create_article({"title": title}, idempotency_key=key), first)


class Sessions(unittest.TestCase):
    def test_many_threads_with_an_ended_token_renew_it_once(self) -> None:
        spy = Spy()
        site = Inkstone(URL, transport=spy, tokens=earlier_tokens(access_token="ended"))
        together = threading.Barrier(8)
        answers: list[Any] = []

        def ask() -> None:
            together.wait()
            answers.append(site.get("members/me"))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(answers), 8)
        self.assertEqual(sum(path.endswith("/refresh") for path, _ in spy.seen), 1)

    def test_a_token_is_renewed_before_it_ends(self) -> None:
        spy = Spy()
        site = Inkstone(URL, transport=spy, tokens=earlier_tokens(expires_at=time.time() + 1))
        site.get("members/me")
        self.assertEqual([status for _, status in spy.seen], [200, 200])

    def test_a_session_that_has_ended_is_closed_and_one_that_cannot_be_renewed_now_is_kept(self) -> None:
        kept: list[Tokens | None] = []
        ended: Tokens = {"access_token": "ended", "refresh_token": "inkr_ended", "expires_at": time.time() + 600}
        site = Inkstone(URL, tokens=ended, on_tokens=kept.append)
        with self.assertRaises(Problem) as refused:
            site.get("members/me")
        self.assertEqual((refused.exception.status, kept, site.is_signed_in), (401, [None], False))
        away = Spy(lambda request: httpx.Response(503) if request.url.path.endswith("/refresh") else None)
        site = Inkstone(URL, tokens=ended, transport=away)
        with self.assertRaises(Problem) as refused:
            site.get("members/me")
        self.assertEqual((refused.exception.status, site.is_signed_in), (503, True))

    def test_signing_out_ends_the_session_on_the_server(self) -> None:
        kept: list[Tokens | None] = []
        site = signed_in(on_tokens=kept.append)
        tokens = kept[-1]
        assert tokens is not None
        site.logout()
        self.assertFalse(site.is_signed_in)
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        self.assertEqual(httpx.get(f"{URL}/api/v1/members/me", headers=headers).status_code, 401)

    def test_a_session_ends_though_its_access_token_is_no_longer_good(self) -> None:
        tokens = earlier_tokens(access_token="no longer good")
        with Inkstone(URL, tokens=tokens) as site:
            site.logout()
        refresh = {"refresh_token": tokens["refresh_token"]}
        self.assertEqual(httpx.post(f"{URL}/api/v1/auth/refresh", json=refresh).status_code, 401)

    def test_processes_with_one_stored_session_do_not_end_it(self) -> None:
        store: list[Tokens | None] = [earlier_tokens(expires_at=0)]
        shared: Any = {"on_tokens": store.append, "load_tokens": lambda: store[-1]}
        spies = [Spy(), Spy()]
        sites = [Inkstone(URL, tokens=store[0], transport=spy, **shared) for spy in spies]
        for site in [*sites, *sites]:
            site.get("members/me")
            self.assertTrue(site.is_signed_in)
        refreshed = [sum(path.endswith("/refresh") for path, _ in spy.seen) for spy in spies]
        self.assertEqual(refreshed, [1, 0])
        sites[0].logout()
        with self.assertRaises(Problem):
            sites[1].get("members/me")
        self.assertFalse(sites[1].is_signed_in)

    def test_who_loses_a_race_for_new_tokens_reads_the_store_again(self) -> None:
        old = earlier_tokens()
        winner: list[Tokens | None] = []
        with Inkstone(URL, tokens={**old, "expires_at": 0}, on_tokens=winner.append) as first:
            first.get("members/me")
        loads = [old, winner[-1]]
        late = Spy(lambda request: httpx.Response(401) if request.url.path.endswith("/refresh") else None)
        tokens: Tokens = {**old, "access_token": "ended"}
        site = Inkstone(URL, tokens=tokens, transport=late, load_tokens=lambda: loads.pop(0))
        self.assertEqual(site.get("members/me")["id"], old["member_id"])
        self.assertEqual([status for _, status in late.seen], [401, 401, 200])

    def test_a_request_of_one_member_is_never_sent_for_another(self) -> None:
        other = f"{unique('other')}@example.org"
        with signed_in() as admin:
            new = {"email": other, "password": LOGIN[1], "role": "editor"}
            admin.request("POST", "members", json=new)

        def change_member(request: httpx.Request) -> httpx.Response | None:
            if request.method != "POST" or not request.url.path.endswith("/articles"):
                return None
            if len(spy.seen) < 2:
                site.login(other, LOGIN[1])
            return httpx.Response(401)

        spy = Spy(change_member)
        site = Inkstone(URL, tokens=earlier_tokens(), transport=spy)
        with self.assertRaises(Problem):
            site.create_article({"title": unique("Not theirs")})
        self.assertEqual(sum(path.endswith("/articles") for path, _ in spy.seen), 1)
        self.assertEqual(site.get("members/me")["email"], other)

    def test_a_token_that_cannot_be_renewed_early_is_used_while_it_is_valid(self) -> None:
        def refuse(request: httpx.Request) -> httpx.Response | None:
            return httpx.Response(503) if request.url.path.endswith("/refresh") else None

        site = Inkstone(URL, transport=Spy(refuse), tokens=earlier_tokens(expires_at=time.time() + 20))
        self.assertEqual(site.get("members/me")["email"], LOGIN[0])
        site = Inkstone(URL, transport=Spy(refuse), tokens=earlier_tokens(expires_at=time.time() - 1))
        with self.assertRaises(Problem) as refused:
            site.get("members/me")
        self.assertEqual(refused.exception.status, 503)

    def test_rows_that_are_skipped_are_the_first_of_all_batches(self) -> None:
        with signed_in() as admin:
            rows = [{"external_id": unique(str(n)), "title": "Row", "body": "<script>x</script>"} for n in range(4)]
            summary = admin.import_rows(rows, batch_rows=2, skip=1)
        self.assertEqual(summary["created"], 3)
        self.assertEqual(summary["markup"]["elements"], {"script": 3})

    def test_an_api_key_signs_every_request(self) -> None:
        with signed_in() as admin:
            new = {"name": "trial", "scopes": ["articles:read", "articles:import"]}
            key = admin.request("POST", "api-keys", json=new).json()["data"]["key"]
        with Inkstone(URL, key=key) as script:
            list(script.articles(status=["draft", "archived"]))
            self.assertEqual(script.import_rows([{"external_id": unique("key"), "title": "By a key"}])["created"], 1)


class Imports(unittest.TestCase):
    def rows(self, number: int) -> Iterator[dict[str, Any]]:
        prefix = unique("row")
        return ({"external_id": f"{prefix}-{at}", "title": f"导入 {at}"} for at in range(number))

    def test_an_iterator_of_any_length_is_imported_in_batches(self) -> None:
        seen = []
        with signed_in() as site:
            rows = self.rows(25)
            summary = site.import_rows(rows, batch_rows=10, on_batch=lambda so_far: seen.append(so_far["rows"]))
        self.assertEqual((seen, summary["created"], summary["ending"]), ([10, 20, 25], 25, "completed"))

    def test_a_row_that_fails_is_named_by_its_place_among_all(self) -> None:
        rows = list(self.rows(25))
        rows[13]["title"] = ""
        with signed_in() as site:
            summary = site.import_rows(iter(rows), batch_rows=10, status="published")
        self.assertEqual((summary["created"], summary["failed"]), (24, 1))
        self.assertEqual([(row["line"], row["pointer"]) for row in summary["errors"]], [(14, "/title")])

    def test_a_batch_is_sent_again_while_the_server_is_away(self) -> None:
        failures: list[httpx.Response | Exception] = [httpx.ReadError("lost"), httpx.Response(503, headers={"retry-after": "0"})]
        imports.FIRST_PAUSE = 0.0

        def fail_at_first(request: httpx.Request) -> httpx.Response | None:
            if not request.url.path.endswith("/import") or not failures:
                return None
            failure = failures.pop(0)
            if isinstance(failure, Exception):
                # The rows arrived, the answer was lost.
                Spy().handle_request(request).read()
                raise failure
            return failure

        spy = Spy(fail_at_first)
        with signed_in(transport=spy) as site:
            summary = site.import_rows(self.rows(3))
        self.assertEqual((summary["rows"], summary["created"], summary["unchanged"]), (3, 0, 3))

    def test_an_import_that_is_stopped_says_what_was_done(self) -> None:
        rows = list(self.rows(30))
        rows[25]["title"] = ""
        with signed_in() as site, self.assertRaises(ImportFailed) as stopped:
            site.import_rows(rows, batch_rows=10, on_error="abort")
        self.assertEqual(stopped.exception.code, "import_aborted")
        self.assertEqual(stopped.exception.summary["errors"][0]["line"], 26)
        self.assertEqual(str(stopped.exception), "Line 26 failed; the first 20 rows are done.")
        self.assertEqual(stopped.exception.document["params"], {"line": 26, "rows": 20})
        self.assertEqual(stopped.exception.summary["committed_rows"], 20)
        self.assertEqual(stopped.exception.summary["created"] >= 20, True)

    def test_a_row_is_replaced_by_one_that_is_counted_from_the_first_too(self) -> None:
        rows = list(self.rows(20))
        rows[14]["external_id"] = rows[12]["external_id"]
        with signed_in() as site:
            [warning] = site.import_rows(rows, batch_rows=10, skip=1)["warnings"]
        self.assertEqual((warning["line"], warning["params"]), (13, {"line": 15}))
        self.assertIn("line 15,", warning["detail"])

    def test_an_import_goes_on_where_it_was_stopped(self) -> None:
        rows = list(self.rows(30))
        rows[25]["title"] = ""
        with signed_in() as site:
            with self.assertRaises(ImportFailed) as stopped:
                site.import_rows(rows, batch_rows=10, skip=5, on_error="abort")
            done = stopped.exception.summary["committed_rows"]
            rows[25]["title"] = "Mended"
            summary = site.import_rows(rows, batch_rows=10, skip=done, on_error="abort")
        self.assertEqual((done, summary["created"], summary["committed_rows"]), (25, 5, 30))

    def test_an_atomic_import_is_one_request(self) -> None:
        rows = list(self.rows(30))
        rows[25]["title"] = ""
        spy = Spy()
        with signed_in(transport=spy) as site, self.assertRaises(ImportFailed) as stopped:
            site.import_rows(rows, batch_rows=10, atomic=True)
        self.assertEqual(stopped.exception.summary["ending"], "rolled_back")
        self.assertEqual(sum(path.endswith("/import") for path, _ in spy.seen), 1)
        with signed_in() as site:
            self.assertEqual(site.import_rows([], atomic=True)["rows"], 0)


if __name__ == "__main__":
    unittest.main()
