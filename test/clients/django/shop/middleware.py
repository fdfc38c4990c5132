# Who acts, in a comment at the end of each statement
from contextlib import ExitStack, contextmanager
from urllib.parse import quote

from django.db import connections


@contextmanager
def act_as(actor):
    comment = f" /*actor='{quote(actor, safe='')}'*/"

    def add_comment(execute, sql, params, many, context):
        # with parameters, a % is doubled
        if params is None:
            return execute(sql + comment, params, many, context)
        return execute(sql + comment.replace('%', '%%'), params, many, context)

    with ExitStack() as stack:
        for connection in connections.all():
            stack.enter_context(connection.execute_wrapper(add_comment))
        yield


class ActorMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        with act_as(request.user.get_username()):
            return self.get_response(request)
