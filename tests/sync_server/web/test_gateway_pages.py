"""What the pages show of gateways, and what they ask for a device without a meter."""

from tests.sync_server.web.desk_people import Enter


def test_orders_to_gateways_are_shown_and_none_can_be_made(enter: Enter) -> None:
    boss = enter("boss")

    page = boss.client.get("/gateways/orders?gateway=gw-07")
    made = boss.client.post("/gateways/orders", data={"do": "ping"})

    assert (page.status_code, made.status_code) == (200, 405)
    assert "cannot make one" in page.text


def test_a_device_without_a_meter_number_is_asked_for_it_on_the_page(enter: Enter) -> None:
    boss = enter("boss")

    answer = boss.client.post("/quarantine/device/SN-1/adopt", data={"meter_id": " "})

    assert answer.status_code == 400
    assert "type the number of the meter" in answer.text
