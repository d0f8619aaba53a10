"""组织信用来源: who knows an organisation's grade and the lists it is on. A broken source never invents an answer."""

from merchants.organisation_sources.contract import (
    OrganisationRecord,
    OrganisationSource,
    OrganisationSourceUnavailable,
)

__all__ = ["OrganisationRecord", "OrganisationSource", "OrganisationSourceUnavailable"]
