"""One good call for each route that changes something: what it needs besides the things in its path.

A new changing route needs an entry: a body, None where there is none, or a function of tests/matrix/states.py that
prepares a `Call` (`things` that must be in a certain state, a file as `content`, another `token`).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tests.api.test_member_offers import a_body
from tests.api.test_member_stores import STORE
from tests.matrix import states, things
from tests.matrix.things import POLICY, REASON, WULIN
from tests.matrix.world import Call, World

Prepare = Callable[[World], Awaitable[Call]]

CALLS: dict[str, Mapping[str, Any] | Prepare | None] = {
    "DELETE /admin/account/sessions/{session_id}": states.own_session,
    "DELETE /admin/admins/{admin_id}/sessions/{session_id}": states.session_of_admin,
    "DELETE /admin/approvals/{approval_id}": states.own_request,
    "DELETE /admin/imports/{import_id}": None,
    "DELETE /admin/white-list/{entry_id}": None,
    "DELETE /member/objections/{objection_id}": None,
    "DELETE /member/offers/{offer_id}/pause": states.paused,
    "DELETE /member/offers/{offer_id}/proposal": states.proposed,
    "DELETE /member/offers/{offer_id}/submission": states.submitted,
    "DELETE /member/staff/{staff_id}/sessions/{session_id}": states.session_of_clerk,
    "DELETE /member/stores/{store_id}/closures/{closure_id}": states.together(things.store_and_closure),
    "POST /admin/account/recovery-codes": states.own_proof,
    "POST /admin/admins": states.invitation,
    "POST /admin/admins/{admin_id}/confirmation": states.unconfirmed_admin,
    "POST /admin/admins/{admin_id}/reset": None,
    "POST /admin/admins/{admin_id}/revocation": None,
    "POST /admin/approvals/{approval_id}/approval": REASON,
    "POST /admin/approvals/{approval_id}/refusal": REASON,
    "POST /admin/complaints/{complaint_id}/decision": states.answered_complaint,
    "POST /admin/complaints/{complaint_id}/reopening": states.decided_complaint,
    "POST /admin/coupons/{coupon_id}/revocation": REASON,
    "POST /admin/credit-batch-errors/{error_id}/closure": REASON,
    "POST /admin/declarations/{declaration_id}/acceptance": states.declared,
    "POST /admin/declarations/{declaration_id}/forwarding": states.accepted_declaration,
    "POST /admin/declarations/{declaration_id}/refusal": REASON,
    "POST /admin/exports": states.export_wish,
    "POST /admin/guardianships/{guardianship_id}/confirmation": None,
    "POST /admin/guardianships/{guardianship_id}/ending": states.guardian_in_force,
    "POST /admin/guardianships/{guardianship_id}/refusal": REASON,
    "POST /admin/imports": states.file_of_members,
    "POST /admin/imports/{import_id}/application": None,
    "POST /admin/imports/{import_id}/invitations": states.imported_staff,
    "POST /admin/jobs/{job_id}/retry": None,
    "POST /admin/member-applications/{application_id}/approval": REASON,
    "POST /admin/member-applications/{application_id}/refusal": REASON,
    "POST /admin/member-applications/{application_id}/uscc-override": states.doubtful_application,
    "POST /admin/members/{member_id}/promises": {
        "outcome": "broken",
        "cause": "inspection",
        "cause_id": "2026-17",
    },
    "POST /admin/members/{member_id}/recheck": None,
    "POST /admin/members/{member_id}/reinstatement": states.suspended_member,
    "POST /admin/members/{member_id}/suspension": REASON,
    "POST /admin/objections/{objection_id}/answer": {"outcome": "dismissed", **REASON},
    "POST /admin/objections/{objection_id}/extension": {"working_days": 20, **REASON},
    "POST /admin/objections/{objection_id}/forwarding": None,
    "POST /admin/offers/{offer_id}/approval": states.offer_to_approve,
    "POST /admin/offers/{offer_id}/publication": states.approved,
    "POST /admin/offers/{offer_id}/return": states.offer_to_send_back,
    "POST /admin/offers/{offer_id}/revocation": states.claimed,
    "POST /admin/staff/{staff_id}/password-reset": states.an_owner,
    "POST /admin/staff/{staff_id}/revocation": None,
    "POST /admin/statements/{statement_id}/adjustment": states.statement_to_adjust,
    "POST /admin/statements/{statement_id}/rejection": states.disputed_statement,
    "POST /admin/statements/{statement_id}/settlement": states.confirmed_statement,
    "POST /admin/tier-mappings": states.tier_mapping,
    "POST /admin/tier-mappings/{mapping_id}/end": states.mapping_end,
    "POST /admin/tier-schemes": states.tier_scheme,
    "POST /admin/tier-schemes/what-if": states.tier_draft,
    "POST /admin/white-list": states.white_list_wish,
    "POST /member/complaints/{complaint_id}/answer": {"text": "已培训店员"},
    "POST /member/devices": {"name": "前台", "store_id": WULIN},
    "POST /member/devices/{device_id}/pairing": None,
    "POST /member/devices/{device_id}/revocation": None,
    "POST /member/leaving": states.leaving,
    "POST /member/objections": states.contested,
    "POST /member/objections/{objection_id}/evidence": states.evidence,
    "POST /member/offers": a_body(),
    "POST /member/offers/{offer_id}/end": None,
    "POST /member/offers/{offer_id}/pause": None,
    "POST /member/offers/{offer_id}/publication": states.approved,
    "POST /member/offers/{offer_id}/submission": states.draft,
    "POST /member/offers/{offer_id}/withdrawal": None,
    "POST /member/price-evidence": states.evidence,
    "POST /member/redemptions/{redemption_id}/late-reversals": REASON,
    "POST /member/share-consents/{consent_id}/agreement": None,
    "POST /member/share-consents/{consent_id}/refusal": REASON,
    "POST /member/staff": states.newcomer,
    "POST /member/staff/{staff_id}/invitation": states.invited_clerk,
    "POST /member/staff/{staff_id}/password-reset": None,
    "POST /member/staff/{staff_id}/revocation": None,
    "POST /member/statements/{statement_id}/confirmation": None,
    "POST /member/statements/{statement_id}/dispute": REASON,
    "POST /member/stores": STORE,
    "POST /member/stores/{store_id}/closing": None,
    "POST /member/stores/{store_id}/closures": states.closure,
    "POST /member/webhooks": {"url": "https://till.example.com/z"},
    "POST /member/webhooks/{webhook_id}/deliveries/{delivery_id}/retry": states.together(
        things.webhook_and_delivery
    ),
    "POST /member/webhooks/{webhook_id}/ping": None,
    "POST /member/webhooks/{webhook_id}/secret": None,
    "PUT /admin/account/password": states.new_password,
    "PUT /admin/admins/{admin_id}/roles": {"roles": ["auditor"]},
    "PUT /admin/offers/{offer_id}/budget": states.with_budget,
    "PUT /admin/offers/{offer_id}/status": {"status": "paused"},
    "PUT /admin/offers/{offer_id}/stock": {"stock_total": 50},
    "PUT /admin/regions/{code}/policy": POLICY,
    "PUT /member/notices/{notice_id}/read": None,
    "PUT /member/offers/{offer_id}": states.drafted,
    "PUT /member/staff/{staff_id}": {"role": "cashier", "store_ids": [WULIN]},
    "PUT /member/stores/{store_id}": STORE,
    "PUT /member/webhooks/{webhook_id}": {"url": "https://till.example.com/y", "is_enabled": True},
}
# Routes that only read, where the things of the path must be each other's or in a certain state.
READS: dict[str, Prepare] = {
    "GET /admin/audit/{audit_id}/proof": states.together(things.sealed_record),
    "GET /admin/declarations/{declaration_id}/evidence/{file_id}": states.together(
        things.declaration_and_evidence
    ),
    "GET /admin/guardianships/{guardianship_id}/evidence/{file_id}": states.together(
        things.guardianship_and_proof
    ),
    "GET /admin/imports/{import_id}/errors": states.import_with_errors,
    "GET /admin/member-applications/{application_id}/documents/{document_id}": states.together(
        things.application_and_document
    ),
    "GET /admin/objections/{objection_id}/evidence/{file_id}": states.together(things.objection_and_evidence),
    "GET /member/objections/{objection_id}/evidence/{file_id}": states.together(
        things.objection_and_evidence
    ),
    "GET /admin/offers/{offer_id}/evidence/{file_id}": states.together(things.offer_and_evidence),
}
# What changes something and leaves no record in the audit, and why that is right.
UNAUDITED: dict[str, str] = {
    "PUT /member/notices/{notice_id}/read": "that somebody has read a notice is nobody's right and nobody's duty",
}
