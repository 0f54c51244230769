"""crapi: cars, their workshop and its shop, with the flaws that crAPI is known for."""

import served

KEY = "crapi"
CARS = {"anna": "0d6f0a5c-6f7e-4c55-9f2f-5d9f3f7a1111", "carl": "b1c3d2a4-8a61-4ad7-a0f0-0a51a2bc2222"}
cars = {uuid: {"carId": uuid, "owner": f"{name}@example.test", "location": [47.0 + i, 7.4]} for i, (name, uuid) in enumerate(CARS.items())}
reports = {i: {"id": i, "owner": f"{('anna', 'carl')[i % 2]}@example.test", "problem": f"noise {i}"} for i in range(1, 41)}
orders = {i: {"id": i, "owner": f"{('anna', 'carl')[i % 2]}@example.test", "quantity": 1, "status": "delivered"} for i in range(1, 9)}
videos, credit = {i: {"id": i, "name": "crash", "conversion_params": "-v codec h264"} for i in range(1, 9)}, {"sum": 100}
coupons, otp = {"TRAC075": 75}, {"carl@example.test": "0042"}


def dashboard(api, _query):  # an unsigned token is a token
    name = served.claims_of(api, KEY, none=True).get("sub", "anna")
    return api.answer(200, {"email": f"{name}@example.test", "credit": credit["sum"]})


def location(api, _query, uuid):  # who asks is nobody's matter
    return api.answer(200, cars[uuid]) if uuid in cars else api.answer(404, {"error": "no such car"})


def report(api, query):  # one after the other
    return api.answer(200, reports[int(query["report_id"])])


def check_otp(api, _query):  # four digits, and as many guesses as one likes
    given = api.body()
    right = otp.get(given["email"]) == given["otp"]
    return api.answer(200 if right else 401, {"verified": right})


def posts(api, _query):  # the whole row of the author
    return api.answer(200, [{"title": "hello", "author": {"nickname": "carl", "email": "carl@example.test", "vehicleid": CARS["carl"]}}])


def remove_video(api, _query, number):  # an administrator's function for everyone
    videos.pop(int(number), None)
    return api.answer(200, {"videos": sorted(videos)})


def change_order(api, _query, number):  # status and price by whoever orders; less than none gives credit
    given, order = api.body(), orders[int(number)]
    order.update(given)
    credit["sum"] -= 10 * given.get("quantity", 0)
    return api.answer(200, {**order, "credit": credit["sum"]})


def contact(api, _query):  # asks what it is told, as often as it is told
    given = api.body()
    times = int(given.get("number_of_repeats", 1)) if given.get("repeat_request_if_failed") else 1
    return api.answer(200, {"asked": times, "said": api.fetch(given["mechanic_api"])})


def coupon(api, _query):  # what is no text is a question to the store
    code = api.body()["coupon_code"]
    found = [(c, worth) for c, worth in coupons.items() if (c != code["$ne"] if isinstance(code, dict) else c == code)]
    return api.answer(200, {"coupon_code": found[0][0], "amount": found[0][1]}) if found else api.answer(404, {"error": "no such coupon"})


class Crapi(served.Api):
    routes = [("GET", "/identity/api/v2/user/dashboard", dashboard), ("GET", "/identity/api/v2/vehicle/([^/]+)/location", location),
              ("POST", "/identity/api/auth/v2/check-otp", check_otp), ("DELETE", r"/identity/api/v2/admin/videos/(\d+)", remove_video),
              ("GET", "/workshop/api/mechanic/mechanic_report", report), ("GET", "/community/api/v2/community/posts/recent", posts),
              ("PUT", r"/workshop/api/shop/orders/(\d+)", change_order), ("POST", "/workshop/api/merchant/contact_mechanic", contact),
              ("POST", "/community/api/v2/coupon/validate-coupon", coupon)]
